"""BrainWeb's simulated brain: from files one has, or through the package `brainweb-dl`."""

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import nibabel
import numpy as np

from monai_unsup_denoise.data.phantom import default_cache_dir
from monai_unsup_denoise.files import atomic_write

_CONTRASTS = {"t1": "T1w", "t2": "T2w", "pd": "PDw"}


def brainweb_datalist(
    folder: str | Path | None = None, *, contrasts: Sequence[str] = ("T1w", "PDw", "T2w")
) -> list[dict[str, Any]]:
    """Noise-free BrainWeb volumes, as MONAI datalist items with `image`, `contrast` and `subject`.

    Contrast and noise are read from the names, as BrainWeb gives them (`t1_icbm_normal_1mm_pn0_rf0.mnc`):
    files that state noise (`pn1` and up) or name no contrast asked for are left out.

    Args:
        folder: of BrainWeb files (MINC or NIfTI); None downloads the normal anatomy once, with the extra
            `brainweb`.
        contrasts: of "T1w", "PDw", "T2w".

    Raises:
        FileNotFoundError, ValueError: for a folder that is missing or holds no such file.
        ImportError: where a download is wanted and the extra is not installed.

    Reference:
        Cocosco et al., NeuroImage 5 (1997) S425; Kwan et al., IEEE TMI 18 (1999) 1085.
    """
    if folder is None:
        return [_downloaded(contrast) for contrast in contrasts]
    items = []
    for path in _files(Path(folder)):
        name = path.name.lower()
        found = re.match(r"(t1|t2|pd)", name)
        if found and _CONTRASTS[found[1]] in contrasts and not re.search(r"(pn|noise)[1-9]", name):
            anatomy = "ms" if re.search(r"[_-]ms", name) else "normal"
            image = _as_nifti(path) if name.endswith((".mnc", ".mnc.gz")) else path
            items.append({"image": str(image), "contrast": _CONTRASTS[found[1]], "subject": f"brainweb_{anatomy}"})
    if not items:
        raise ValueError(
            f"{folder}: no noise-free BrainWeb volume of {list(contrasts)}; names begin with t1, t2 or pd "
            "and, where they state the noise, say pn0"
        )
    return items


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    suffixes = (".nii", ".nii.gz", ".mnc", ".mnc.gz")
    return sorted(path for path in folder.rglob("*") if path.name.lower().endswith(suffixes))


def _as_nifti(path: Path) -> Path:
    """Convert once, into the cache: nibabel reads BrainWeb's MINC 1, often compressed; MONAI does not."""
    state = path.stat()
    key = zlib.crc32(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}".encode())
    target = default_cache_dir() / "brainweb" / f"{path.name.split('.mnc')[0]}_{key:08x}.nii"
    if not target.is_file():
        _save(target, *_read_minc(path))
    return target


def _read_minc(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        image = cast(nibabel.spatialimages.SpatialImage, nibabel.load(path))
        return np.asarray(image.dataobj, dtype=np.float32), image.affine
    except (OSError, nibabel.filebasedimages.ImageFileError, ImportError) as error:
        raise ValueError(f"{path}: cannot be read as MINC ({error}); convert it to NIfTI") from error


def _save(path: Path, volume: np.ndarray, affine: np.ndarray) -> None:
    with atomic_write(path) as partial:
        nibabel.save(nibabel.Nifti1Image(np.asarray(volume, dtype=np.float32), affine), partial)


def _downloaded(contrast: str) -> dict[str, Any]:
    path = default_cache_dir() / "brainweb" / f"{contrast[:2].lower()}_icbm_normal_1mm_pn0_rf0.nii.gz"
    if not path.is_file():
        try:
            from brainweb_dl import get_mri
        except ImportError as error:
            raise ImportError(
                "brainweb-dl is not installed: pip install 'monai-unsup-denoise[brainweb]', "
                "or give a folder of BrainWeb files"
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        _save(path, *get_mri(0, contrast[:2], brainweb_dir=path.parent, with_affine=True))
    return {"image": str(path), "contrast": contrast, "subject": "brainweb_normal"}
