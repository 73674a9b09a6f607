"""Maps that go with a denoised volume, made on request."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.data import MetaTensor
from monai.networks.layers import GaussianFilter
from monai.transforms import Transform

from monai_unsup_denoise.engines.volume_inferer import VolumeInferer, VolumeNetwork
from monai_unsup_denoise.functional import add_rician_noise, resize, typical_level

OUTPUT_MAPS = ("sigma", "residual", "uncertainty")


def sigma_map(image: torch.Tensor, code: torch.Tensor, network: VolumeNetwork) -> torch.Tensor:
    """Noise level of each voxel of ``image`` ``(1, 1, H, W, D)``, as its noise ``code`` says, same shape and units."""
    return network.sigma(resize(code, image)).unsqueeze(1).expand_as(image)


def volume_sigma(image: torch.Tensor, code: torch.Tensor, network: VolumeNetwork) -> float:
    """One noise level of ``image`` ``(1, 1, H, W, D)``, as its noise ``code`` says; of a map, that of tissue."""
    levels = network.sigma(code)
    return float(levels if code.dim() == 2 else typical_level(levels, image))


def uncertainty_map(
    denoised: torch.Tensor,
    code: torch.Tensor,
    *,
    network: VolumeNetwork,
    inferer: VolumeInferer,
    repeats: int = 4,
    smoothing: float = 1.5,
    seed: int = 0,
) -> torch.Tensor:
    """Standard deviation of the error to expect in each voxel of ``denoised``, by parametric bootstrap.

    The cycle of the method, turned on its own result: take the denoised volume for the truth, add Rician noise of the
    level found, denoise, and see how far it comes back from where it was. What the denoiser erased altogether cannot
    come back, so where fine detail was lost the map is too low.

    Efron B, Tibshirani RJ (1993). An Introduction to the Bootstrap, chapter 6.5.

    Args:
        denoised: ``(1, 1, H, W, D)``, in multiples of the reference intensity, without the Rician floor.
        code: noise code of the noisy volume.
        network: the denoiser.
        inferer: what applied it.
        repeats: noisy copies to denoise; each costs as much as the denoising did.
        smoothing: standard deviation in voxels of the Gaussian that smooths the squared error of so few copies.
        seed: of the noise.

    Returns:
        As ``denoised`` in shape and units.
    """
    inferer = _without_floor(inferer)
    generator = torch.Generator().manual_seed(seed)
    level = sigma_map(denoised, code, network)
    squared = torch.zeros_like(denoised)
    for _ in range(repeats):
        again = inferer(add_rician_noise(denoised, level, generator=generator), network, code=code)
        squared += (again - denoised).square()
    smooth = GaussianFilter(3, smoothing).to(denoised.device)
    near = smooth(torch.ones_like(squared))  # the filter takes what lies beyond the border for zero
    return (smooth(squared / repeats) / near).clamp(min=0).sqrt()


class OutputMapsd(Transform):
    """Postprocessing of a denoised item: adds the maps asked for to ``image`` and ``pred``.

    ``sigma``: noise level of each voxel; ``residual``: what was removed, image minus pred; ``uncertainty``: see
    `uncertainty_map`, times ``uncertainty_factor``. All in the units of the image; each takes its metadata, so that
    ``Invertd`` treats them alike.

    Args:
        names: of `OUTPUT_MAPS`; may be empty.
        network, inferer: as in the evaluator.
        uncertainty_factor: by how much the error of these weights exceeds what the bootstrap tells of it, found on
            scans whose truth is known (`evaluation/promises.py`).

    Raises:
        ValueError: for an unknown name.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        network: VolumeNetwork,
        inferer: VolumeInferer,
        uncertainty_factor: float = 1.0,
    ) -> None:
        if unknown := sorted(set(names) - set(OUTPUT_MAPS)):
            raise ValueError(f"maps {unknown} unknown; choose from {list(OUTPUT_MAPS)}")
        self.names = tuple(names)
        self.network = network
        self.inferer = inferer
        self.uncertainty_factor = uncertainty_factor

    @torch.no_grad()
    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        if not self.names:
            return d
        pred = torch.as_tensor(d["pred"]).as_subclass(torch.Tensor)[None]
        image = torch.as_tensor(d["image"]).as_subclass(torch.Tensor)[None].to(pred.device)
        for name in self.names:
            made = image - pred if name == "residual" else self._of_noise(name, image, pred)
            d[name] = MetaTensor(made[0], meta=d["image"].meta, applied_operations=d["image"].applied_operations)
        return d

    def _of_noise(self, name: str, image: torch.Tensor, pred: torch.Tensor) -> torch.Tensor:
        """The maps that need the noise code."""
        code = self.inferer.noise_code(image, self.network)
        if name == "sigma":
            return sigma_map(image, code, self.network)
        if getattr(self.inferer, "keep_floor", False):
            pred = _without_floor(self.inferer)(image, self.network, code=code)
        found = uncertainty_map(pred, code, network=self.network, inferer=self.inferer)
        return self.uncertainty_factor * found


def _without_floor(inferer: VolumeInferer) -> VolumeInferer:
    plain = copy.copy(inferer)
    plain.keep_floor = False
    return plain
