"""What the removed part of a scan says: whether it is noise, or holds structure of the anatomy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_gradient_magnitude, gaussian_laplace

_BRIGHT = 3.0  # sigma, above which Rician noise is nearly normal and has a mean of nearly 0
_FEW = 1000  # voxels, with fewer of which the tests say nothing
_SCALE = 2.0  # voxels: standard deviation of the Gaussian before derivatives, in which no noise is left that was kept


@dataclass(frozen=True)
class ResidualTests:
    """Tests of ``noisy - denoised`` in units of sigma, over voxels above 3 sigma.

    Attributes:
        voxels: tested voxels.
        spread: standard deviation; 1 where all noise was removed and nothing else.
        autocorrelation: of neighbours along each axis; that of the noise where only noise was removed. NaN along an
            axis of one voxel.
        edges: Pearson correlation of its magnitude with the gradient's magnitude of the denoised scan; 0 for noise,
            positive if edges were changed more than flat tissue.
        detail: Pearson correlation with the negative Laplacian of the denoised scan; 0 for noise, positive if bright
            and dark detail was flattened.
    """

    voxels: int
    spread: float
    autocorrelation: tuple[float, float, float]
    edges: float
    detail: float


def residual_tests(
    noisy: np.ndarray, denoised: np.ndarray, sigma: float | np.ndarray, *, coils: float = 1.0
) -> ResidualTests | None:
    """Test the residual of a volume ``(X, Y, Z)``; ``sigma`` is a number or a map of its shape, in its units.

    The mean of Rician noise of that many coils, ``(2 coils - 1) sigma^2 / (2 A)``, is subtracted first.

    Buades A, Coll B, Morel JM (2005). A review of image denoising algorithms, with a new one. Multiscale Model Simul
    4(2):490-530, section 5.1, on looking at the "method noise".

    Returns:
        None for a scan with fewer than 1,000 voxels above 3 sigma that were changed.
    """
    level = np.asarray(sigma, dtype=np.float32)
    scaled = denoised / np.where(level > 0, level, np.inf)  # 0 where there is no noise
    where = (scaled > _BRIGHT) & (noisy != denoised)
    if np.count_nonzero(where) < _FEW:
        return None
    z = (noisy - denoised) / np.where(level > 0, level, np.inf)
    z[where] -= (coils - 0.5) / scaled[where]
    z -= z[where].mean()
    return ResidualTests(
        voxels=int(np.count_nonzero(where)),
        spread=float(z[where].std()),
        autocorrelation=_autocorrelation(z, where),
        edges=_pearson(np.abs(z[where]), gaussian_gradient_magnitude(scaled, _SCALE)[where]),
        detail=_pearson(z[where], -gaussian_laplace(scaled, _SCALE)[where]),
    )


def _autocorrelation(z: np.ndarray, where: np.ndarray) -> tuple[float, float, float]:
    """Of neighbours along each axis, of which both are in ``where``."""
    found = []
    for axis in range(3):
        pairs = np.moveaxis(z, axis, 0), np.moveaxis(where, axis, 0)
        both = pairs[1][:-1] & pairs[1][1:]
        here, there = pairs[0][:-1][both], pairs[0][1:][both]
        found.append(_pearson(here, there))
    return found[0], found[1], found[2]


def _pearson(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.size < 2 or one.std() == 0 or other.std() == 0:
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])
