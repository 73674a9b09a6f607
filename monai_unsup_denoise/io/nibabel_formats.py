"""The formats that nibabel reads: NIfTI, FreeSurfer's MGH, and pairs of files, NIfTI or Analyze 7.5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
from nibabel.spm99analyze import Spm99AnalyzeImage

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.files import is_dicom

MGH = (".mgh", ".mgz")
#: Voxels and header, each in a file of its own.
PAIRS = (".img", ".hdr", ".img.gz", ".hdr.gz")


def is_nibabel(path: Path) -> bool:
    """Whether nibabel reads a file, by its name."""
    return path.name.lower().endswith((".nii", ".nii.gz", *MGH)) or is_of_pair(path)


def is_of_pair(path: Path) -> bool:
    """Whether a file is the voxels or the header of a pair, by its name; an ``.img`` may be DICOM, too."""
    return path.name.lower().endswith(PAIRS) and not is_dicom(path)


def files_of(path: Path) -> list[Path]:
    """The files of an image: itself; of a pair, its voxels, its header, and where SPM wrote one, its orientation.

    Raises:
        InputError: if one of a pair is missing.
    """
    if not path.name.lower().endswith(PAIRS):
        return [path]
    files = _files_of_pair(path)
    for what, kind in (("header", "header"), ("file of voxels", "image")):
        if not files[kind].exists():
            raise InputError(f"{path}: its {what} {files[kind].name} is missing; put it into the same folder")
    return [file for file in files.values() if file.exists()]


def is_second_of_pair(path: Path) -> bool:
    """Whether a file is the header of an image whose voxels lie beside it."""
    return path.name.lower().endswith((".hdr", ".hdr.gz")) and _files_of_pair(path)["image"].exists()


def as_nifti(image: Any) -> Any:
    """A nibabel image as NIfTI in one file: of a pair the header is kept, of other formats affine and time step."""
    if isinstance(image, nibabel.Nifti1Image):  # Nifti2Image, too
        return image
    if not isinstance(image, nibabel.Nifti1Pair):
        nifti = nibabel.Nifti1Image(image.dataobj, image.affine)
        nifti.set_data_dtype(image.get_data_dtype().newbyteorder("="))
        time = image.header.get_zooms()[3:4]
        nifti.header["pixdim"][4 : 4 + len(time)] = time
        nifti.header.set_xyzt_units("mm", "msec" if isinstance(image, nibabel.MGHImage) else None)
        return nifti
    kind = nibabel.Nifti2Image if isinstance(image, nibabel.Nifti2Pair) else nibabel.Nifti1Image
    header = kind.header_class(image.header.binaryblock, image.header.endianness, check=False)
    header.extensions = image.header.extensions
    return kind(image.dataobj, image.affine, header)


def why_sides_unsure(path: Path) -> str | None:
    """What to tell of an image whose file does not say which side is left; None if it does."""
    if not is_of_pair(path) or len(files_of(path)) > 2:
        return None
    if isinstance(nibabel.load(path), nibabel.Nifti1Pair):
        return None
    return "Analyze 7.5 does not say which side is left; the first voxel of a row is taken as the rightmost"


def _files_of_pair(path: Path) -> dict[str, Path]:
    """Where voxels, header and orientation (SPM's ``.mat``) of a pair are, or would be."""
    files = Spm99AnalyzeImage.filespec_to_file_map(str(path))
    return {kind: Path(str(file.filename)) for kind, file in files.items()}
