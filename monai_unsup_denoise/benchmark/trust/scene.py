"""A clean volume in several variants, with the same noise in each: what a check of a denoiser is made on."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from monai_unsup_denoise.benchmark.scores import FOREGROUND
from monai_unsup_denoise.functional import SCANNER_KINDS, add_scanner_noise, noise_spectrum, noise_truth

#: Denoises ``(X, Y, Z)``, given sigma and, where it is not white, the power spectrum of the noise.
Denoise = Callable[[np.ndarray, float, np.ndarray | None], np.ndarray]


@dataclass(frozen=True)
class Finding:
    """One number of a check: ``value``, measured over ``count`` places or voxels of a ``group``."""

    check: str
    group: str
    value: float
    count: int


@dataclass(frozen=True)
class Scene:
    """Variants of one clean volume, and the noise that all of them get.

    Attributes:
        name: of the volume.
        images: ``(X, Y, Z)`` float32 by variant, in units of the clean maximum.
        level: sigma in percent.
        kind: of the noise, a name of `SCANNER_KINDS`.
        seed: of the noise.
    """

    name: str
    images: Mapping[str, np.ndarray]
    level: float
    kind: str = "white"
    seed: int = 0

    @cached_property
    def sigma(self) -> float:
        """Of each channel after all effects of the scanner, in units of the clean maximum; where it varies, the median.

        The median is that over the foreground.
        """
        clean = torch.from_numpy(next(iter(self.images.values()))).double()
        sigma = noise_truth(clean, self.level / 100, scanner=SCANNER_KINDS[self.kind]).sigma
        return float(sigma[clean > FOREGROUND].median()) if sigma.ndim else float(sigma)

    @property
    def spectrum(self) -> np.ndarray | None:
        """Power of the noise at each frequency of `numpy.fft.fftn`, mean 1; None for white noise."""
        scanner = SCANNER_KINDS[self.kind]
        if not scanner.windows and scanner.resampling is None:
            return None
        return noise_spectrum(next(iter(self.images.values())).shape, scanner).numpy()

    def noisy(self, variant: str) -> np.ndarray:
        """Magnitudes of a variant, ``(X, Y, Z)`` float32, with the noise that every variant gets."""
        seed = zlib.crc32(f"{self.seed} {self.level:g} {self.name}".encode())
        clean = torch.from_numpy(np.ascontiguousarray(self.images[variant], dtype=np.float32))
        generator = torch.Generator().manual_seed(seed)
        return add_scanner_noise(clean, self.level / 100, scanner=SCANNER_KINDS[self.kind], generator=generator).numpy()

    def denoised(self, denoise: Denoise) -> dict[str, np.ndarray]:
        """Every variant, denoised."""
        return {variant: denoise(self.noisy(variant), self.sigma, self.spectrum) for variant in self.images}
