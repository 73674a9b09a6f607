"""Scores of a denoised volume against the clean one, and of the residual.

All volumes are ``(X, Y, Z)``, in units of the clean maximum: the data range is 1. Sums run in float64. A score that is
undefined for a volume (no voxel in a band, no residual) is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from skimage.metrics import structural_similarity

FOREGROUND = 10 / 255  # of the maximum
BANDS = ((0.0, 0.02), (0.02, 0.1), (0.1, 0.2), (0.2, 0.35), (0.35, 0.6), (0.6, 1.0))
LAGS = (1, 2, 3, 4)

#: Columns of results.csv, and the band of intensities or the lag in voxels that each stands for.
BIAS_COLUMNS = {f"bias_{round(100 * low):02d}_{round(100 * high):02d}": (low, high) for low, high in BANDS}
LAG_COLUMNS = {f"residual_lag{lag}": lag for lag in LAGS}
SCORE_COLUMNS = (
    *("psnr", "psnr_fg", "ssim_2d", "ssim_3d", *BIAS_COLUMNS),
    *("sigma_error", *LAG_COLUMNS, "gradient_correlation"),
)


def measure(
    denoised: np.ndarray, noisy: np.ndarray, clean: np.ndarray, sigma: float, estimated_sigma: float | None = None
) -> dict[str, float]:
    """All scores of a volume by column of results.csv; ``sigma`` and its estimate in units of the clean maximum."""
    residual, tissue = noisy - denoised, foreground(clean)
    return {
        "psnr": psnr(denoised, clean),
        "psnr_fg": psnr(denoised, clean, tissue),
        "ssim_2d": ssim_2d(denoised, clean),
        "ssim_3d": ssim_3d(denoised, clean),
        **dict(zip(BIAS_COLUMNS, bias_by_band(denoised, clean, sigma), strict=True)),
        "sigma_error": math.nan if estimated_sigma is None else estimated_sigma / sigma - 1,
        **dict(zip(LAG_COLUMNS, residual_autocorrelation(residual, tissue), strict=True)),
        "gradient_correlation": gradient_correlation(residual, clean, tissue),
    }


def foreground(clean: np.ndarray) -> np.ndarray:
    """Mask of the tissue: ``clean > 10 / 255``."""
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
    """Autocorrelation of ``noisy - denoised`` at some lags in voxels, mean of the first two axes.

    Mean and variance are those inside ``where``, as are both voxels of each pair. White noise, which alone should be
    removed, has 0 at every lag.
    """
    if not where.any():
        return [math.nan] * len(lags)
    values = residual.astype(np.float64)
    values = values - values[where].mean()
    variance = float(np.mean(values[where] ** 2))
    return [float(np.mean([_lagged(values, where, variance, lag, axis) for axis in (0, 1)])) for lag in lags]


def gradient_correlation(residual: np.ndarray, clean: np.ndarray, where: np.ndarray) -> float:
    """Pearson correlation of ``|noisy - denoised|`` with the gradient's magnitude of ``clean``, inside ``where``.

    Near 0 if only noise was removed, positive if edges were.
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
