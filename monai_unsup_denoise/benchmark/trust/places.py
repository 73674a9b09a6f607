"""Places for lesions in a head: deep white matter, cortex, beside the ventricles."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, distance_transform_edt, label

CSF, GRAY, WHITE = 1, 2, 3  # labels of a phantom
SITES = ("white matter", "cortex", "beside ventricles")
_DEEP = 5.0  # voxels from other tissue
_BESIDE = (2.0, 5.0)  # voxels from the ventricles
_INNER = 15.0  # voxels from the surface of the brain: CSF that deep is in a ventricle


def site_masks(tissue: np.ndarray) -> dict[str, np.ndarray]:
    """Where the center of a lesion of each site may be, given labels ``(X, Y, Z)`` of isotropic voxels."""
    brain = np.isin(tissue, (CSF, GRAY, WHITE))
    white = tissue == WHITE
    inner = (tissue == CSF) & (distance_transform_edt(brain) > _INNER)
    ventricles = _largest(inner)
    away = distance_transform_edt(~ventricles) if ventricles.any() else np.full(tissue.shape, np.inf)
    return {
        "white matter": distance_transform_edt(white) > _DEEP,
        "cortex": (tissue == GRAY) & binary_dilation(white, iterations=2) & (away > 2 * _BESIDE[1]),
        "beside ventricles": white & (away >= _BESIDE[0]) & (away <= _BESIDE[1]),
    }


def spread(
    masks: dict[str, np.ndarray], *, apart: int, margin: int, rng: np.random.Generator
) -> list[tuple[str, tuple[int, int, int]]]:
    """Sites and voxels, in random order, ``apart`` from each other along some axis and ``margin`` from the edge.

    The sites take turns as long as they have voxels left.
    """
    shape = next(iter(masks.values())).shape
    inside = np.zeros(shape, dtype=bool)
    inside[margin:-margin, margin:-margin, margin:-margin] = True
    waiting = {site: list(rng.permutation(np.argwhere(mask & inside))) for site, mask in masks.items()}
    found: list[tuple[str, tuple[int, int, int]]] = []
    taken = np.empty((0, 3))
    while any(waiting.values()):
        for site, voxels in waiting.items():
            while voxels:
                voxel = voxels.pop()
                if not len(taken) or np.abs(taken - voxel).max(axis=1).min() >= apart:
                    x, y, z = (int(c) for c in voxel)
                    found.append((site, (x, y, z)))
                    taken = np.vstack([taken, voxel])
                    break
    return found


def _largest(mask: np.ndarray) -> np.ndarray:
    objects, count = label(mask)
    return objects == np.bincount(objects.ravel())[1:].argmax() + 1 if count else mask
