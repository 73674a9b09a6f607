"""A case of the benchmark: one volume at one noise level, the same for every method and in every run."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from monai_unsup_denoise.benchmark.volumes import Volume
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import add_rician_noise


@dataclass(frozen=True)
class Case:
    """A volume with Rician noise that depends on its name, the level and the seed alone.

    The noise is drawn for the whole volume and cut with it, so that a slice has the same noise however many
    slices are asked for. Arrays are made anew at every access: a grid of cases would not fit into memory.

    Attributes:
        volume: clean, maximum 1.
        level: noise level, percent of the maximum.
        seed: another seed is another realisation.
    """

    volume: Volume
    level: float
    seed: int

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise in each complex channel, in units of the clean maximum."""
        return self.level / 100

    @property
    def clean(self) -> np.ndarray:
        """``(X, Y, Z)`` float32 of the chosen slices; the maximum of the whole volume is 1."""
        return self._cut(self.volume.clean)

    @property
    def noisy(self) -> np.ndarray:
        """Magnitudes ``(X, Y, Z)`` float32 of the chosen slices."""
        key = f"{self.seed} {self.level:g} {self.volume.name}"
        generator = torch.Generator().manual_seed(zlib.crc32(key.encode()))
        clean = torch.from_numpy(self.volume.clean)
        return self._cut(add_rician_noise(clean, self.sigma, generator=generator).numpy())

    @property
    def megavoxels(self) -> float:
        """Size of what methods get, in millions of voxels."""
        x, y, _ = self.volume.clean.shape
        return x * y * (self.volume.last - self.volume.first + 1) / 1e6

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the noisy and the clean voxels."""
        return hashlib.sha256(self.noisy.tobytes() + self.clean.tobytes()).hexdigest()

    def _cut(self, whole: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(whole[:, :, self.volume.first : self.volume.last + 1])


def make_cases(volumes: Sequence[Volume], levels: Sequence[float], seeds: Sequence[int]) -> list[Case]:
    """Every volume at every level with every seed.

    Raises:
        InputError: for a level that is no percentage above 0.
    """
    for level in levels:
        if not 0 < level <= 100:
            raise InputError(f"--level {level:g}: is a percentage of the maximum, above 0 and up to 100")
    return [
        Case(volume, level, seed)
        for volume in volumes
        for level in dict.fromkeys(levels)
        for seed in dict.fromkeys(seeds)
    ]
