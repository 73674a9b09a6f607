"""Covariance of the noise of a patch."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor

_LEAST = 0.1  # eigenvalue, in units of the variance: below it a model of the correlation is not to be trusted
_WHITE = 0.05  # correlation up to which noise counts as white


@dataclass(frozen=True)
class PatchNoise:
    """Noise of a patch of ``n`` voxels, in units of its variance at a voxel; white noise by default.

    Attributes:
        sides: of the patch, in voxels.
        precision: inverse ``(n, n)`` of the covariance; None for white noise.
        cosine_variance: variance ``(n,)`` of each coefficient of the cosine transform.
        energy_deviation: standard deviation of the energy, in units of that of white noise.
        coils: number of coils of the root of the sum of squares.
    """

    sides: tuple[int, ...]
    precision: Tensor | None = None
    cosine_variance: Tensor | float = 1.0
    energy_deviation: float = 1.0
    coils: int = 1

    def weigh(self, patches: Tensor) -> Tensor:
        """The inverse of the covariance times each patch, ``(..., n)``."""
        return patches if self.precision is None else patches @ self.precision


def patch_noise(
    correlation: Sequence[float] | Tensor | None, sides: Sequence[int], *, coils: int = 1, like: Tensor
) -> PatchNoise:
    """The noise of patches of these ``sides``, given its correlation ``r`` of neighbours along each axis.

    The covariance is the Kronecker product of that along the axes. At lag ``k`` it is ``r^(k^2)``, of a Gaussian: close
    to that of zero-filled, filtered and interpolated noise, whose correlation has lost more than ``r^k`` at lag 2.
    """
    sides = tuple(sides)
    lag1 = [0.0] * len(sides) if correlation is None else [float(r) for r in correlation]
    if all(abs(r) < _WHITE for r, side in zip(lag1, sides, strict=True) if side > 1):
        return PatchNoise(sides, coils=coils)
    lags = [np.subtract.outer(np.arange(side), np.arange(side)) for side in sides]
    covariance: np.ndarray = reduce(np.kron, [r ** (lag**2) for r, lag in zip(lag1, lags, strict=True)])
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, _LEAST)
    waves = vectors.T @ cosine_transform(sides)
    return PatchNoise(
        sides,
        precision=torch.from_numpy((vectors / values) @ vectors.T).to(like),
        cosine_variance=torch.from_numpy(values @ waves**2).to(like),
        energy_deviation=float(np.sqrt(np.mean(values**2))),
        coils=coils,
    )


@cache
def cosine_transform(sides: tuple[int, ...]) -> np.ndarray:
    """Orthonormal DCT-II of a flattened patch of ``n`` voxels, in columns, ``(n, n)``."""
    transform: np.ndarray = reduce(np.kron, [dct(np.eye(side), norm="ortho") for side in sides])
    return transform
