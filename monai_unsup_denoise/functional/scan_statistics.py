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
        axes = np.stack([_gradient(gaussian_filter(middle, smoothing), axis)[tissue] for axis in range(3)])
        squares = np.square(axes, dtype=np.float64)
        magnitude = np.sqrt(squares.sum(0))
        slopes.append(np.log(magnitude.mean() + _TINY))
        if not smoothing:
            sparsity = float(np.log((squares.sum(0).mean() + _TINY**2) / (magnitude.mean() + _TINY) ** 2))
            shares = np.sort(squares.mean(1) / (squares.mean(1).sum() + _TINY**2))
    return np.asarray([1 - bright.size / image.size, *percentiles, *slopes, sparsity, *shares[:2]], dtype=np.float64)


def _middle(length: int) -> slice:
    side = min(length, _SIDE)
    return slice((length - side) // 2, (length + side) // 2)


def _gradient(image: np.ndarray, axis: int) -> np.ndarray:
    """Zero along an axis of one voxel."""
    return np.gradient(image, axis=axis) if image.shape[axis] > 1 else np.zeros_like(image)
