"""A clean volume in several variants, with the same noise in each: what a check of a denoiser is made on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from monai_unsup_denoise.benchmark.cases import Volume
from monai_unsup_denoise.benchmark.noise_kinds import KindCase

#: Denoises ``(X, Y, Z)``, given sigma and, where it is not white, the power spectrum of the noise.
Denoise = Callable[[np.ndarray, float, np.ndarray | None], np.ndarray]


@dataclass(frozen=True)
class Finding:
    """One number of a check: ``value``, of a ``group`` of places or voxels."""

    check: str
    group: str
    value: float


@dataclass(frozen=True)
class Scene:
    """Variants of one clean volume, and the noise that all of them get.

    Attributes:
        name: of the volume.
        images: ``(X, Y, Z)`` float32 by variant, in units of the clean maximum.
        level: sigma in percent.
        kind: of the noise, a name of `SCANNER_KINDS`.
    """

    name: str
    images: Mapping[str, np.ndarray]
    level: float
    kind: str = "white"

    def case(self, variant: str) -> KindCase:
        """A variant with its noise, which depends on the name, the level and the kind, and so is that of all."""
        image = self.images[variant]
        return KindCase(Volume(self.name, image, 0, image.shape[2] - 1), self.level, 0, self.kind)

    def denoised(self, denoise: Denoise) -> dict[str, np.ndarray]:
        """Every variant, denoised; all are told the noise of the first."""
        told = self.case(next(iter(self.images)))
        sigma, spectrum = told.sigma, told.spectrum
        return {variant: denoise(self.case(variant).noisy, sigma, spectrum) for variant in self.images}
