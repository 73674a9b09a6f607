"""The average anatomy that is deformed into each phantom subject."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

from monai_unsup_denoise.data.cache import say_damaged
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.files import atomic_write

VERSION = 1


def load_template(cache_dir: Path, *, spacing: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Maps and affine of the template on voxels of ``spacing`` mm, computed on first use and cached in ``cache_dir``.

    The maps, float16 ``(5, *spatial)``, are derived from the ICBM152 2009a maps in the package nilearn:

    - grey, white: tissue probability, 0 to 1;
    - distance: to the surface of the brain in mm, negative inside;
    - cortex: grey matter blurred by 4 mm, small in brain stem and corpus callosum;
    - cerebellum: 0 to 1, smooth.

    Fonov et al., NeuroImage 54 (2011) 313.
    """
    path = cache_dir / f"template_v{VERSION}_{spacing}mm.npz"
    if path.is_file():
        try:
            with path.open("rb") as source, np.load(source) as stored:
                return stored["maps"], stored["affine"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            say_damaged(path, error)
    maps, affine = _make(spacing)
    with atomic_write(path) as partial, open(partial, "wb") as file:
        np.savez(file, maps=maps, affine=affine)
    return maps, affine


def magnified_part(maps: np.ndarray, affine: np.ndarray, *, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A random part of the template on voxels of half the size: half of each axis, from its middle four fifths."""
    sides = [(n + 1) // 2 for n in maps.shape[1:]]
    starts = [int(rng.uniform(0.1, 0.9) * (n - side)) for n, side in zip(maps.shape[1:], sides, strict=True)]
    box = tuple(slice(start, start + side) for start, side in zip(starts, sides, strict=True))
    part = torch.from_numpy(maps[(slice(None), *box)].astype(np.float32))[None]
    fine = F.interpolate(part, size=[2 * n - 1 for n in sides], mode="trilinear", align_corners=True)[0]
    to_template = np.diag([0.5, 0.5, 0.5, 1.0])
    to_template[:3, 3] = starts
    return fine.numpy(), affine @ to_template


def _make(spacing: int) -> tuple[np.ndarray, np.ndarray]:
    require("nilearn", extra="train")
    from nilearn import datasets

    head = datasets.load_mni152_template(resolution=spacing)
    brain = ndimage.binary_fill_holes(head.get_fdata() > 0.05)
    grey = datasets.load_mni152_gm_template(resolution=spacing).get_fdata()
    white = datasets.load_mni152_wm_template(resolution=spacing).get_fdata()
    outside = ndimage.distance_transform_edt(~brain, sampling=spacing)
    inside = ndimage.distance_transform_edt(brain, sampling=spacing)
    distance = ndimage.gaussian_filter(outside - inside, 1.0 / spacing)
    cortex = ndimage.gaussian_filter(grey, 4.0 / spacing)
    maps = np.stack([grey, white, distance, cortex, _cerebellum(grey.shape, head.affine)])
    return maps.astype(np.float16), np.asarray(head.affine, dtype=np.float64)


def _cerebellum(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Ellipsoid at the cerebellum's position in MNI space (mm), with a soft border."""
    centre, radii = (0.0, -65.0, -40.0), (56.0, 38.0, 26.0)
    voxels = np.ogrid[tuple(slice(n) for n in shape)]
    squared = sum(
        ((affine[axis, axis] * voxels[axis] + affine[axis, 3] - centre[axis]) / radii[axis]) ** 2 for axis in range(3)
    )
    return np.clip((1.0 - np.sqrt(squared)) * 6.0, 0.0, 1.0)
