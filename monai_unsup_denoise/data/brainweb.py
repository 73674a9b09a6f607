"""BrainWeb's simulated brain, from local files or downloaded by the package ``brainweb-dl``."""

import re
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import nibabel
import numpy as np

from monai_unsup_denoise.data.cache import default_cache_dir, is_cached
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.files import atomic_write

_CONTRASTS = {"t1": "T1w", "t2": "T2w", "pd": "PDw"}


def brainweb_datalist(
    folder: str | Path | None = None, *, contrasts: Sequence[str] = ("T1w", "PDw", "T2w")
) -> list[dict[str, Any]]:
    """Noise-free BrainWeb volumes, as MONAI datalist items with ``image``, ``contrast`` and ``subject``.

    Contrast and noise are taken from BrainWeb's file names (``t1_icbm_normal_1mm_pn0_rf0.mnc``). Files with noise
    (``pn1`` and up) and files of other contrasts are skipped.

    Args:
        folder: folder of BrainWeb files (MINC or NIfTI). None downloads the normal anatomy once, which needs the extra
            ``brainweb``.
        contrasts: of "T1w", "PDw", "T2w".

    Raises:
        InputError: for a folder that is missing or has no such file, and for an unreadable file.

    Cocosco et al., NeuroImage 5 (1997) S425. Kwan et al., IEEE TMI 18 (1999) 1085.
    """
    if folder is None:
        return [_downloaded(contrast) for contrast in contrasts]
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder; check the path")
    items = []
    for path in sorted(Path(folder).rglob("*")):
        name = path.name.lower()
        if not name.endswith((".nii", ".nii.gz", ".mnc", ".mnc.gz")):
            continue
        found = re.match(r"(t1|t2|pd)", name)
        if found and _CONTRASTS[found[1]] in contrasts and not re.search(r"(pn|noise)[1-9]", name):
            anatomy = "ms" if re.search(r"[_-]ms", name) else "normal"
            image = _as_nifti(path) if name.endswith((".mnc", ".mnc.gz")) else path
            items.append({"image": str(image), "contrast": _CONTRASTS[found[1]], "subject": f"brainweb_{anatomy}"})
    if not items:
        raise InputError(
            f"{folder}: no noise-free BrainWeb volume of {list(contrasts)}; names must begin with t1, t2 or pd, and "
            "noise, if stated, must be pn0"
        )
    return items


def _as_nifti(path: Path) -> Path:
    """Convert into the cache, once: MONAI cannot read BrainWeb's MINC 1 files, nibabel can."""
    state = path.stat()
    key = zlib.crc32(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}".encode())
    target = default_cache_dir() / "brainweb" / f"{path.name.split('.mnc')[0]}_{key:08x}.nii"
    if not is_cached(target):
        try:
            image = cast(nibabel.spatialimages.SpatialImage, nibabel.load(path))
            volume = np.asarray(image.dataobj, dtype=np.float32)
        except Exception as error:  # as many kinds as nibabel has
            raise InputError(f"{path}: cannot be read as MINC ({error}); convert it to NIfTI") from error
        _save(target, volume, image.affine)
    return target


def _downloaded(contrast: str) -> dict[str, Any]:
    path = default_cache_dir() / "brainweb" / f"{contrast[:2].lower()}_icbm_normal_1mm_pn0_rf0.nii.gz"
    if not is_cached(path):
        require("brainweb_dl", extra="brainweb")
        from brainweb_dl import get_mri

        with tempfile.TemporaryDirectory() as folder:  # its own cache trusts what an interruption has left
            _save(path, *get_mri(0, contrast[:2], brainweb_dir=Path(folder), with_affine=True))
    return {"image": str(path), "contrast": contrast, "subject": "brainweb_normal"}


def _save(path: Path, volume: np.ndarray, affine: np.ndarray) -> None:
    with atomic_write(path) as partial:
        nibabel.save(nibabel.Nifti1Image(np.asarray(volume, dtype=np.float32), affine), partial)
