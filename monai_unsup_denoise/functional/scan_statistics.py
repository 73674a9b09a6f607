"""Numbers that tell one kind of image from another: how bright, how empty and how detailed it is."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

#: What `scan_statistics` gives, in its order.
NAMES = (
    *("air", "10th percentile", "25th percentile", "median", "75th percentile", "90th percentile"),
    *("slope", "slope over 2 voxels", "slope over 4 voxels", "sparsity of edges", "weakest axis", "middle axis"),
)

_AIR = 0.05  # of the reference intensity
_SIDE = 128  # voxels of the middle along each axis, of which slopes are taken
_PERCENTILES = (10, 25, 50, 75, 90)
_TINY = 1e-6


def scan_statistics(image: np.ndarray) -> np.ndarray:
    """The numbers of `NAMES` of an image ``(X, Y, Z)`` without noise, in multiples of its reference intensity.

    The share of air, percentiles of what is brighter, the logarithms of the mean gradient's magnitude of the image and
    of smoothed versions, the logarithm of how much its square exceeds that mean (few strong edges, or many weak ones),
    and the shares of the two weaker axes in its square. Slopes are those of the brighter part.
    """
    bright = image[image > _AIR]
    percentiles = np.percentile(bright, _PERCENTILES) if bright.size else np.zeros(len(_PERCENTILES))
    middle = image[tuple(_middle(length) for length in image.shape)].astype(np.float32)
    tissue = middle > _AIR
    tissue = tissue if tissue.any() else np.ones_like(tissue)
    slopes, shares, sparsity = [], np.zeros(3), 0.0
    for smoothing in (0, 2, 4):
        smoothed = gaussian_filter(middle, smoothing)
        total, means = 0.0, np.zeros(3)
        for axis in range(3):  # one after the other, for the sake of memory
            square = np.square(_gradient(smoothed, axis)[tissue], dtype=np.float64)
            total, means[axis] = total + square, square.mean()
        magnitude = np.sqrt(total).mean()
        slopes.append(np.log(magnitude + _TINY))
        if not smoothing:
            sparsity = float(np.log((means.sum() + _TINY**2) / (magnitude + _TINY) ** 2))
            shares = np.sort(means / (means.sum() + _TINY**2))
    return np.asarray([1 - bright.size / image.size, *percentiles, *slopes, sparsity, *shares[:2]], dtype=np.float64)


def _middle(length: int) -> slice:
    side = min(length, _SIDE)
    return slice((length - side) // 2, (length + side) // 2)


def _gradient(image: np.ndarray, axis: int) -> np.ndarray:
    """Zero along an axis of one voxel."""
    return np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros_like(image)
