"""The noise of a volume, read once and passed on."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import (
    air_noise,
    least_sigma,
    log_sigma_rms,
    median_tissue_sigma,
    residual_noise_map,
    residual_share,
    unsqueeze_like,
    upsample_to,
)
from monai_unsup_denoise.protocols import NoiseAwareNetwork

Denoise = Callable[[Tensor, Tensor], Tensor]

_VARIES, _VARIES_IF_WHITE = 0.1, 0.06  # `log_sigma_rms` from which one number is not enough
_CORRELATED = 0.1  # at lag 1, from which noise counts as correlated
_SURE = 0.15  # largest expected error of a sigma that is sure, relative
_DOUBT, _MOST = 2.5, 5.0  # sigma in multiples of `least_sigma`, which is 0.7 sigma for white noise
_STRUCTURED = 0.5  # sigma in multiples of `least_sigma` below which less of the change is made
_TOO_FEW, _UNSURE = 64**2, 0.3  # voxels of a slice; the expected error of sigma where it is in doubt
_CHECKED, _LEAST_SHARE = 0.2, 0.65  # expected error from which the residual is looked at; what it must have of sigma
_TINY = 1e-6  # in the volume's units
SIGMA_UNKNOWN = "sigma: this model does not know noise levels; leave it out"
_CELL = 4  # voxels: side of the cells of a noise reader
_SLAB, _READ = 2**20, 5 * 2**19  # voxels: of a slab, and to read at most
_MIDDLE = 2**23  # voxels in which white noise is read once more


@dataclass(frozen=True)
class NoiseEstimate:
    """What is known of the noise of one volume.

    Attributes:
        code: noise code ``(1, code_channels)``, or a coarse map of it ``(1, code_channels, *grid)`` where the noise
            level varies; of length zero for a network without one.
        sigma: one noise level in units of the volume, the median over tissue where it varies; None where the network
            does not estimate it.
        error: expected error of sigma, relative to it.
        correlation: of the noise of neighbouring voxels, along each axis.
        coils: number of coils whose images were combined by the root of the sum of squares, not rounded.
        share: of the change by denoising that is made. Less than 1 where the scan is nearly clean: if even its quietest
            tissue varies much more than its noise, the errors of a denoiser in structure outweigh the noise it removes.
    """

    code: Tensor
    sigma: float | None = None
    error: float = 0.0
    correlation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    coils: float = 1.0
    share: float = 1.0

    @property
    def varies(self) -> bool:
        """Whether the noise level varies over the volume."""
        return self.code.dim() > 2

    @property
    def is_correlated(self) -> bool:
        """Whether the noise of neighbouring voxels is correlated along some axis."""
        return max(map(abs, self.correlation)) > _CORRELATED

    @property
    def is_sure(self) -> bool:
        """Whether sigma is known to about 15 %."""
        return self.error <= _SURE

    def in_the_file(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of a `DenoisedVolume`, in scanner units and along the axes of the file.

        ``meta`` is that of the preprocessed volume: ``reference``, and ``slice_axis`` where `CheckVolume` moved it.
        """
        correlation = list(self.correlation)
        correlation.insert(meta.get("slice_axis", 2), correlation.pop())
        return {
            "sigma": None if self.sigma is None else float(meta["reference"]) * self.sigma,
            "sigma_error": self.error,
            "varying_noise": self.varies,
            "correlation": tuple(correlation),
            "correlated_noise": self.is_correlated,
            "coils": self.coils,
            "sigma_is_sure": self.is_sure,
            "share_of_change": self.share,
        }


def estimate_noise(
    image: Tensor, network: NoiseAwareNetwork, *, varying: bool | None, denoise: Denoise
) -> NoiseEstimate:
    """Read the noise of a volume ``(1, 1, H, W, D)``, in multiples of its reference intensity.

    A map of varying white noise is estimated from the residual of a first denoising pass, which takes no anatomy for
    noise. Where the reading is unsure, such a pass checks it.

    Args:
        varying: as in `DenoiseSettings`.
        denoise: the first pass: the denoised volume, given a volume and a map of the code.
    """
    cells, nearest = _read_cells(image, network)
    read, log_variance = network.noise_code(cells)
    wider = read[:, :1] + torch.exp(log_variance[:, :1] / 2)
    error = float(network.sigma(torch.cat([wider, read[:, 1:]], dim=1)) / network.sigma(read)) - 1
    code = network.read_white(_middle(image), read)
    least = max(least_sigma(image), _TINY)
    excess = float(network.sigma(code)) / least
    error = max(error, _UNSURE) if excess > _DOUBT else error
    if excess > _MOST:  # no noise is so much stronger than the quietest part of its volume
        code = network.scale_sigma(code, code.new_tensor([_MOST / excess]))
        return NoiseEstimate(code, float(network.sigma(code)), excess / _MOST)
    if image.shape[-1] == 1 and int(image.count_nonzero()) < _TOO_FEW:  # they say nothing about the correlation
        code = torch.cat([code[:, :1], torch.zeros_like(code[:, 1:])], dim=1)
        return NoiseEstimate(code, float(network.sigma(code)), max(error, _UNSURE))
    even = None if varying or not code[:, 1:].any() else _as_in_air(image, code, network)
    code = code if even is None else even
    read_map = None if varying is False or even is not None else network.noise_map(cells[:, :, nearest])
    varies = read_map is not None
    if read_map is not None and varying is None:
        rms = log_sigma_rms(network.sigma(read_map), network.sigma(read), image).item()
        varies = rms > (_VARIES_IF_WHITE if bool(network.is_white(read)) else _VARIES)
    if read_map is not None and varies:
        is_white = bool(network.is_white(read)) or not code[:, 1:].any()
        rest = torch.zeros_like(code[:, 1:]) if is_white else code[:, 1:]
        code = torch.cat([read_map[:, :1], unsqueeze_like(rest, read_map).expand(-1, -1, *read_map.shape[2:])], dim=1)
        code = _measured_map(image, code, network, denoise) if is_white else code
    if error > _CHECKED:
        code = _no_more_than_residual(image, code, network, denoise)
    mean = code.flatten(2).mean(2) if code.dim() > 2 else code
    sigma = median_tissue_sigma(network.sigma(code), image) if code.dim() > 2 else network.sigma(code)
    x, y, z = network.correlation(mean)[0].tolist()
    share = min(1.0, float(sigma) / least / _STRUCTURED) if math.isfinite(least) else 1.0
    return NoiseEstimate(code, float(sigma), error, (x, y, z), float(network.coils(mean)), share)


def with_sigma(noise: NoiseEstimate, network: Any, *, sigma: float) -> NoiseEstimate:
    """The noise with this level, in the units of its volume, and all else as it was read; a map keeps its shape.

    Raises:
        InputError: if the network does not know noise levels.
    """
    if not isinstance(network, NoiseAwareNetwork) or noise.sigma is None:
        raise InputError(SIGMA_UNKNOWN)
    factor = noise.code.new_full((1, *[1] * (noise.code.dim() - 2)), sigma / noise.sigma)
    return replace(noise, code=network.scale_sigma(noise.code, factor), sigma=sigma, error=0.0)


def sigma_map(image: Tensor, noise: NoiseEstimate, network: NoiseAwareNetwork) -> Tensor:
    """Noise level of each voxel of ``image`` ``(1, 1, H, W, D)``, of the same shape and units."""
    return network.sigma(upsample_to(noise.code[:, :1], image)).unsqueeze(1).expand_as(image)


def _read_cells(image: Tensor, network: NoiseAwareNetwork) -> tuple[Tensor, Tensor]:
    """Cells of a volume, read in slabs, and of which of their rows each row of cells of the volume is the nearest.

    A large volume is read in slabs with gaps between them.
    """
    height, plane = image.shape[2], math.prod(image.shape[3:])
    rows = max(_SLAB // plane // _CELL, 2) * _CELL
    total = max(height // rows, 1)  # the last slab has what is left over, too: one of few rows would be misread
    count = min(total, max(_READ // (rows * plane), 1))
    slabs, read = [], []
    for number in (total * (2 * index + 1) // (2 * count) for index in range(count)):
        start, stop = number * rows, (number + 1) * rows if number < total - 1 else height
        slabs.append(network.noise_cells(image[:, :, start:stop]))
        read += [start // _CELL + row for row in range(slabs[-1].shape[2])]
    places = torch.arange(math.ceil(height / _CELL)).unsqueeze(1)
    nearest = (places - torch.tensor(read)).abs().argmin(dim=1)
    return torch.cat(slabs, dim=2), nearest.to(image.device)


def _no_more_than_residual(image: Tensor, code: Tensor, network: NoiseAwareNetwork, denoise: Denoise) -> Tensor:
    """The code, with the level of the residual where that is much less: what was taken for noise is structure."""
    code_map = unsqueeze_like(code, image) if code.dim() == 2 else code
    sigma = network.sigma(upsample_to(code_map[:, :1], image)).unsqueeze(1)
    share = residual_share(image, denoise(image, code_map), sigma)
    return network.scale_sigma(code, code.new_tensor([share])) if share < _LEAST_SHARE else code


def _as_in_air(image: Tensor, code: Tensor, network: NoiseAwareNetwork) -> Tensor | None:
    """The code with the level and the number of coils of air, where air has all of the noise and the noise is even.

    There its moments are more precise than any network. None elsewhere.
    """
    air = air_noise(image[0, 0], float(network.sigma(code)), coils=float(network.coils(code)))
    if air is None:
        return None
    return network.code_of(code.new_tensor([air.sigma]), network.correlation(code), code.new_tensor([air.coils]))


def _middle(image: Tensor) -> Tensor:
    """The middle rows of a large volume, at most 2^23 voxels."""
    height, plane = image.shape[2], math.prod(image.shape[3:])
    rows = min(height, max(_MIDDLE // plane, 16))
    return image.narrow(2, (height - rows) // 2, rows)


def _measured_map(image: Tensor, code_map: Tensor, network: NoiseAwareNetwork, denoise: Denoise) -> Tensor:
    sigma = network.sigma(upsample_to(code_map[:, :1], image)).unsqueeze(1)
    measured = residual_noise_map(image, denoise(image, code_map), sigma, code_map.shape[2:])
    return network.scale_sigma(code_map, measured[:, 0] / network.sigma(code_map))
