"""Read a scan, and say in one line why it cannot be read."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged
from nibabel.arrayproxy import ArrayProxy

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import exists
from monai_unsup_denoise.io.dicom import find_series, read_series
from monai_unsup_denoise.io.dicom.files import is_dicom
from monai_unsup_denoise.io.file_checks import check_file
from monai_unsup_denoise.io.nibabel_formats import is_nibabel
from monai_unsup_denoise.io.no_magnitudes import why_no_magnitudes
from monai_unsup_denoise.io.nrrd_axes import without_single_axes

#: Reads what nibabel can and MONAI does not give to it.
_READ = LoadImaged("image", image_only=True, reader="NibabelReader")


def read_scan(path: str | Path, preprocessing: Compose) -> dict[str, Any]:
    """``{"image": scan}`` after the first transform of ``preprocessing``, which reads.

    DICOM is read by `read_series`, and what MONAI does not know by its ending by nibabel.

    Raises:
        InputError: if the scan is missing, is no image of magnitudes by its name or sidecar, or fails the checks of
            `check_file`; whatever the transform raises is the file's fault.
    """
    path = Path(path)
    if not exists(path):
        if path.is_symlink():
            raise InputError(f"{path}: a link to nothing; fetch its content (datalad get)")
        raise InputError(f"{path}: no such file or folder; check the path")
    if path.is_dir() or is_dicom(path):
        return {"image": _read_dicom(path)}
    if why := why_no_magnitudes(path):
        raise InputError(f"{path}: {why}")
    try:
        check_file(path)
        with warnings.catch_warnings(), without_single_axes(path) as readable:
            warnings.filterwarnings("error", message="Casting complex values")
            is_known = path.name.lower().endswith((".nii", ".nii.gz")) or not is_nibabel(path)
            item = preprocessing({"image": str(readable)}, end=1) if is_known else _READ({"image": str(readable)})
        item["image"].meta["filename_or_obj"] = str(path)
        if item["image"].numel() == 0 and is_nibabel(path):
            item["image"] = _read_volume(path, item["image"])
        return item
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: {why_unreadable(error)}") from error


def _read_volume(path: Path, image: MetaTensor) -> MetaTensor:
    """The volume of a file whose header says that its fourth axis has no voxel, which some programs write."""
    file: Any = nibabel.load(path)
    proxy = file.dataobj
    spec = (proxy.shape[:3], proxy.dtype, proxy.offset, proxy.slope, proxy.inter)
    values = np.asarray(ArrayProxy(proxy.file_like, spec), dtype=np.float32)
    return MetaTensor(torch.from_numpy(values[..., None]), meta=image.meta)


def _read_dicom(path: Path) -> MetaTensor:
    """The only series of a folder, or the slice of a file, read and checked as everywhere."""
    found = find_series(path, below=False)
    if not found:
        raise InputError(f"{path}: no DICOM image, or none that can be read; give a scan, or copy it again")
    if len(found) > 1:
        raise InputError(f"{path}: more than one DICOM series in this folder; give each a folder of its own")
    return read_series(found[0])


def why_unreadable(error: BaseException) -> str:
    """What the readers raise as one clause, with what to do about it."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error)
    if "Casting complex" in text:
        return "complex voxels, but a volume of magnitudes is needed; save the magnitude"
    if "('R'" in text or "itk.Vector" in text or "itk.RGB" in text:
        return "colour voxels (RGB), but a volume of magnitudes is needed; give the original scan"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("/")]
    reason = re.sub(r"^(ITK |itk::)ERROR: (\w+\(\w+\): )?", "", lines[0] if lines else type(error).__name__)
    return (
        f"cannot be read as a volume ({reason.rstrip('.')}); it is damaged, incomplete or of another kind than "
        "its name says: copy or export it again"
    )
