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
    """Noise of a cubic patch of ``n`` voxels, in units of its variance at a voxel; the default is white noise.

    Attributes:
        precision: inverse ``(n, n)`` of the covariance; None for white noise.
        cosine_variance: variance ``(n,)`` of each coefficient of the cosine transform.
        energy_deviation: standard deviation of the energy, in units of that of white noise.
        coils: number of coils of the root of the sum of squares.
    """

    precision: Tensor | None = None
    cosine_variance: Tensor | float = 1.0
    energy_deviation: float = 1.0
    coils: int = 1

    def weigh(self, patches: Tensor) -> Tensor:
        """The inverse of the covariance times each patch, ``(..., n)``."""
        return patches if self.precision is None else patches @ self.precision


def patch_noise(correlation: Sequence[float] | Tensor | None, side: int, *, coils: int = 1, like: Tensor) -> PatchNoise:
    """The noise of patches of ``side`` voxels along each axis, given its correlation ``r`` of neighbours along each.

    The covariance is the Kronecker product of that along the axes. At lag ``k`` it is ``r^(k^2)``, of a Gaussian: close
    to that of zero-filled, filtered and interpolated noise, whose correlation has lost more than ``r^k`` at lag 2.
    """
    lag1 = [] if correlation is None else [float(r) for r in correlation]
    if all(abs(r) < _WHITE for r in lag1):
        return PatchNoise(coils=coils)
    lags = np.subtract.outer(np.arange(side), np.arange(side))
    covariance: np.ndarray = reduce(np.kron, [r ** (lags**2) for r in lag1])
    values, vectors = np.linalg.eigh(covariance)
    values = np.maximum(values, _LEAST)
    waves = vectors.T @ cosine_transform(side)
    return PatchNoise(
        precision=torch.from_numpy((vectors / values) @ vectors.T).to(like),
        cosine_variance=torch.from_numpy(values @ waves**2).to(like),
        energy_deviation=float(np.sqrt(np.mean(values**2))),
        coils=coils,
    )


@cache
def cosine_transform(side: int) -> np.ndarray:
    """Orthonormal DCT-II of a flattened cubic patch, in columns, ``(side^3, side^3)``."""
    axis = dct(np.eye(side), norm="ortho")
    return np.kron(np.kron(axis, axis), axis)
