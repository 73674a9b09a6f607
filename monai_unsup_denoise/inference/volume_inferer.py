"""A 3-D network over a volume of any size."""

import copy
import itertools
import math
import sys
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from tqdm import tqdm

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import flat_regions, nonlocal_bayes, upsample_to
from monai_unsup_denoise.inference.memory import bytes_needed, largest_tile
from monai_unsup_denoise.inference.noise import NoiseEstimate, estimate_noise, sigma_map
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.inference.tiles import cut_tiles
from monai_unsup_denoise.inference.whole_volume import WholeVolumeInferer
from monai_unsup_denoise.protocols import DenoisingNetwork, NoiseAwareNetwork

_NEED_SIGMA = ("varying_noise", "refine", "keep_floor")


class VolumeInferer(WholeVolumeInferer):
    """Denoise a volume with a 3-D network, tile by tile, as if in one piece.

    The noise is estimated once from the whole volume, so that tiles do not differ in it. The refinement stage,
    `nonlocal_bayes`, then takes the output of the network as its pilot.

    Args:
        tile_voxels: most voxels to compute at a time; None for as many as `largest_tile` says.
        halo: voxels around a tile that are computed too. What lies further away changes a result of the bundled
            network by less than a thousandth of sigma.
        autocast: dtype of the convolutions, such as ``torch.bfloat16``; None for float32.
        settings: all but ``keep_floor`` and ``maps`` matter here.
    """

    def __init__(
        self,
        tile_voxels: int | None = None,
        *,
        halo: int = 16,
        autocast: torch.dtype | None = None,
        settings: DenoiseSettings | None = None,
        progress: bool = False,
    ) -> None:
        super().__init__(progress=progress, autocast=autocast)
        self.tile_voxels = tile_voxels
        self.halo = halo
        self.settings = settings or DenoiseSettings()

    def with_settings(self, settings: DenoiseSettings) -> "VolumeInferer":
        other = copy.copy(self)
        other.settings = settings
        return other

    def bytes_needed(self, shape: Sequence[int]) -> int:
        return bytes_needed(math.prod(shape), self._tile_voxels(torch.device("cpu")), self.autocast)

    def estimate_noise(self, inputs: Tensor, network: DenoisingNetwork) -> NoiseEstimate:
        image = _without_constants(inputs.as_subclass(Tensor))[0]
        if not isinstance(network, NoiseAwareNetwork):
            if asked := [name for name, value in self.settings.switches().items() if value and name in _NEED_SIGMA]:
                raise InputError(f"{asked[0]}: this model does not estimate the noise level; turn it off")
            return NoiseEstimate(network.encode_noise(image))
        with torch.autocast(image.device.type, self.autocast, enabled=self.autocast is not None):
            return estimate_noise(
                image,
                network,
                varying=self.settings.varying_noise,
                denoise=partial(self._run, network=network),
            )

    def denoise(self, volume: Tensor, network: DenoisingNetwork, noise: NoiseEstimate) -> Tensor:
        scan = volume
        volume, constant = _without_constants(scan)
        code = noise.code if noise.varies else noise.code[..., None, None, None]
        flipped = range(4 if self.settings.self_ensemble else 1)  # axes at a time
        flips = [axes for count in flipped for axes in itertools.combinations((2, 3, 4), count)]
        denoised = torch.zeros_like(volume, dtype=torch.float32)
        for flip in flips:
            denoised += self._run(volume.flip(flip), code.flip(flip), network=network).flip(flip)
        denoised = (denoised / len(flips)).clamp(min=0)
        if self.settings.refine and isinstance(network, NoiseAwareNetwork):
            bar = partial(tqdm, desc="refinement", leave=False, disable=not self._shows_progress)
            sigma, coils = sigma_map(volume, noise, network), round(noise.coils)
            refine = partial(nonlocal_bayes, correlation=noise.correlation, coils=coils, progress=bar)
            denoised = refine(volume[0, 0], denoised[0, 0], sigma[0, 0])[None, None]
        if noise.share < 1:
            denoised.lerp_(volume, 1 - noise.share)
        return torch.where(constant, scan, denoised)

    def _run(self, volume: Tensor, code: Tensor, *, network: DenoisingNetwork) -> Tensor:
        """The network over all tiles; ``code`` is ``(1, code_channels, *grid)``, of which the first entry may vary."""
        mean, varies = code.flatten(2).mean(-1), math.prod(code.shape[2:]) > 1
        levels = upsample_to(code[:, :1], volume) if varies else code
        result = torch.empty_like(volume, dtype=torch.float32)
        largest, multiple = self._tile_voxels(volume.device), getattr(network, "downsampling", 1)
        tiles = cut_tiles(volume.shape[2:], largest, halo=self.halo, multiple=multiple)
        with torch.autocast(volume.device.type, self.autocast, enabled=self.autocast is not None):
            for tile in tqdm(tiles, desc="network", leave=False, disable=not self._shows_progress):
                image = volume[(..., *tile.outer)]
                pred = network(image, levels[(..., *tile.outer)], mean) if varies else network(image, mean)
                result[(..., *tile.core)] = pred[(..., *tile.inner)]
        return result

    def _tile_voxels(self, device: torch.device) -> int:
        return self.tile_voxels or largest_tile(device, self.autocast)

    @property
    def _shows_progress(self) -> bool:
        return self.progress and sys.stderr.isatty()


def _without_constants(volume: Tensor) -> tuple[Tensor, Tensor]:
    """The volume with 0, as a mask leaves it, in place of any other constant; and where that is."""
    constant = flat_regions(volume) & (volume > 0)
    return torch.where(constant, 0, volume), constant
