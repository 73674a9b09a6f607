"""Denoising of MR magnitude images, learned from unpaired noisy and clean images, as a MONAI Bundle."""

from pathlib import Path

__version__ = "0.1.0"

# In the source tree the folders `transforms/` and `bundles/` stand beside this package instead of inside it.
_here = Path(__file__).resolve().parent
if not (_here / "transforms").is_dir() and (_here.parent / "transforms" / "rician.py").is_file():
    __path__.append(str(_here.parent))
