"""Small scans of a head-like object."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "apps" / "label"
MODEL = "brain_mri_denoise"
SHAPE = (32, 28, 12)
#: In patient tags, and never in an answer or a log.
SECRET = "Xanthippe"
#: In names of files and folders, and never in a log.
PATIENT = "DOE^JOHN 1970"
#: Oblique, anisotropic, left-handed: easily lost by a writer.
AFFINE = np.array([[-0.9, 0.1, 0.0, 20.0], [0.1, 1.1, 0.3, -30.5], [0.0, -0.1, 2.5, 7.25], [0, 0, 0, 1]])


def head(seed: int) -> np.ndarray:
    """A bright ellipsoid with structure and Rician noise on it, in scanner units: float32 ``SHAPE``."""
    generator = np.random.default_rng(seed)
    grid = np.meshgrid(*(np.linspace(-1.2, 1.2, n) for n in SHAPE), indexing="ij")
    clean = 900 * (sum(axis**2 for axis in grid) < 1) * (1 + 0.3 * np.sin(5 * grid[0]) * np.cos(4 * grid[1]))
    noise = 60 * generator.standard_normal((2, *SHAPE))
    return np.hypot(clean + noise[0], noise[1]).astype(np.float32)


def save(path: Path, voxels: np.ndarray) -> Path:
    """Write voxels as NIfTI with ``AFFINE``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, AFFINE), path)
    return path
