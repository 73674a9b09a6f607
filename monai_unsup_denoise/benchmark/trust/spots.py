"""Lesions drawn into a clean volume: how much of each voxel they fill."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

_FINE = 4  # sub-voxels along each axis of a voxel
_ROUGHNESS = 0.35  # of the radius of a blob, standard deviation over directions
_GRAIN = 0.5  # of the radius: size of the bumps of a blob


def sphere(radius: float) -> np.ndarray:
    """The fraction of each voxel inside a sphere, ``(n, n, n)`` with its center in the middle voxel.

    ``radius`` is in voxels.
    """
    return _coarse(_distance(radius) <= radius)


def blob(radius: float, rng: np.random.Generator) -> np.ndarray:
    """As `sphere`, of an irregular lesion of the same volume."""
    distance = _distance(radius)
    bumps = gaussian_filter(rng.standard_normal(distance.shape), _GRAIN * radius * _FINE)
    bumps /= bumps.std()
    edge = distance / np.exp(_ROUGHNESS * bumps)
    edge[distance > 1.6 * radius] = np.inf
    voxels = round(4 / 3 * np.pi * (radius * _FINE) ** 3)
    return _coarse(edge <= np.partition(edge.ravel(), voxels)[voxels])


def two_spots(distance: float, radius: float) -> np.ndarray:
    """Two spheres with their centers ``distance`` voxels apart along the first axis."""
    grid = _grid(radius + distance / 2)
    along = np.abs(grid[0]) - distance / 2
    return _coarse(np.sqrt(along**2 + grid[1] ** 2 + grid[2] ** 2) <= radius)


def long_spot(distance: float, radius: float) -> np.ndarray:
    """One rod of the length, the width and the sum of `two_spots`: without the gap, and fainter."""
    grid = _grid(radius + distance / 2)
    along = np.maximum(np.abs(grid[0]) - distance / 2, 0)
    rod = _coarse(np.sqrt(along**2 + grid[1] ** 2 + grid[2] ** 2) <= radius)
    return rod * (two_spots(distance, radius).sum() / rod.sum())


def insert(volume: np.ndarray, spot: np.ndarray, center: tuple[int, int, int], contrast: float) -> None:
    """Add ``contrast * spot`` to a volume around a voxel, in place; nothing becomes negative.

    Raises:
        ValueError: if the spot reaches out of the volume.
    """
    region = tuple(slice(c - n // 2, c - n // 2 + n) for c, n in zip(center, spot.shape, strict=True))
    if any(part.start < 0 or part.stop > size for part, size in zip(region, volume.shape, strict=True)):
        raise ValueError(f"a spot of {spot.shape} voxels at {center} reaches out of a volume of {volume.shape}")
    volume[region] = np.maximum(volume[region] + contrast * spot, 0)


def _grid(reach: float) -> np.ndarray:
    """Coordinates ``(3, m, m, m)`` in voxels of the sub-voxels of an odd number of voxels that hold ``reach``."""
    half = int(np.ceil(reach + 0.5))
    line = (np.arange((2 * half + 1) * _FINE) + 0.5) / _FINE - half - 0.5
    return np.stack(np.meshgrid(line, line, line, indexing="ij"))


def _distance(radius: float) -> np.ndarray:
    return np.sqrt(np.square(_grid(1.6 * radius)).sum(axis=0))


def _coarse(inside: np.ndarray) -> np.ndarray:
    """Means over the sub-voxels of each voxel."""
    n = inside.shape[0] // _FINE
    return inside.reshape(n, _FINE, n, _FINE, n, _FINE).mean(axis=(1, 3, 5)).astype(np.float32)
