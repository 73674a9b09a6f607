"""How near a denoised volume is to the clean one, and what was taken away.

All volumes are ``(X, Y, Z)``, in units of the clean volume's maximum, so that the data range is 1. Sums run in
float64. A score without meaning for a volume (no voxel in a band, no residual at all) is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from skimage.metrics import structural_similarity

FOREGROUND = 10 / 255  # of the maximum
BANDS = ((0.0, 0.02), (0.02, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.6), (0.6, 1.0))
LAGS = (1, 2, 3, 4)


def foreground(clean: np.ndarray) -> np.ndarray:
    """Where there is tissue: ``clean > 10 / 255``."""
    return clean > FOREGROUND


def psnr(denoised: np.ndarray, clean: np.ndarray, where: np.ndarray | None = None) -> float:
    """``-10 log10(mean((denoised - clean)^2))`` in dB, over the whole volume or over ``where``."""
    error = _difference(denoised, clean)
    error = error if where is None else error[where]
    mean = float(np.mean(error**2)) if error.size else math.nan
    return math.inf if mean == 0 else -10 * math.log10(mean)


def ssim_2d(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity of each slice of the last axis, averaged; see :func:`ssim_3d`."""
    return float(np.mean([ssim_3d(denoised[..., z], clean[..., z]) for z in range(clean.shape[2])]))


def ssim_3d(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Structural similarity: Gaussian window of sigma 1.5, data range 1, no sample covariance.

    Wang Z et al. (2004). Image quality assessment: from error visibility to structural similarity. IEEE Trans
    Image Process 13(4):600-612.
    """
    return float(
        structural_similarity(
            clean.astype(np.float64),
            denoised.astype(np.float64),
            data_range=1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def bias_by_band(
    denoised: np.ndarray,
    clean: np.ndarray,
    sigma: float,
    bands: Sequence[tuple[float, float]] = BANDS,
) -> list[float]:
    """``mean(denoised - clean) / sigma`` where ``low <= clean < high``; the last band includes its end."""
    error = _difference(denoised, clean)
    biases = []
    for low, high in bands:
        inside = (clean >= low) & ((clean <= high) if high == bands[-1][1] else (clean < high))
        biases.append(float(error[inside].mean()) / sigma if inside.any() else math.nan)
    return biases


def residual_autocorrelation(residual: np.ndarray, where: np.ndarray, lags: Sequence[int] = LAGS) -> list[float]:
    """Correlation of ``noisy - denoised`` with itself some voxels further, mean of the first two axes.

    Pairs lie with both voxels inside ``where``; the residual's mean there is taken off, and products are
    normalised by its variance there. White noise, which alone should be removed, has 0 at every lag.
    """
    if not where.any():
        return [math.nan] * len(lags)
    values = residual.astype(np.float64)
    values = values - values[where].mean()
    variance = float(np.mean(values[where] ** 2))
    return [float(np.mean([_lagged(values, where, variance, lag, axis) for axis in (0, 1)])) for lag in lags]


def gradient_correlation(residual: np.ndarray, clean: np.ndarray, where: np.ndarray) -> float:
    """Pearson correlation of ``|noisy - denoised|`` with the gradient's magnitude of ``clean``, inside ``where``.

    Near 0 where only noise was removed, positive where edges were.
    """
    strength = np.sqrt(sum(np.square(slope) for slope in np.gradient(clean.astype(np.float64))))[where]
    removed = np.abs(residual.astype(np.float64))[where]
    if removed.size < 2 or removed.std() == 0 or strength.std() == 0:
        return math.nan
    return float(np.corrcoef(removed, strength)[0, 1])


def _lagged(values: np.ndarray, where: np.ndarray, variance: float, lag: int, axis: int) -> float:
    length = values.shape[axis]
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis], there[axis] = slice(0, max(length - lag, 0)), slice(lag, length)
    both = where[tuple(here)] & where[tuple(there)]
    if variance == 0 or not both.any():
        return math.nan
    return float(np.mean(values[tuple(here)][both] * values[tuple(there)][both])) / variance


def _difference(denoised: np.ndarray, clean: np.ndarray) -> np.ndarray:
    return denoised.astype(np.float64) - clean.astype(np.float64)
