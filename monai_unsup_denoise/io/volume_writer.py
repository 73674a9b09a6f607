"""A volume goes out as its source came in: format, header, geometry, and the data type if wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import nibabel
import numpy as np

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write, check_writable

_NIFTI = (".nii", ".nii.gz")
_ITK = (".nrrd", ".mha")
#: Endings of all that is written.
FORMATS = (*_NIFTI, *_ITK)
#: What is read but not written (header and data in two files; MINC; DICOM), and what it becomes.
_WRITTEN_AS = {".nhdr": ".nrrd", ".mhd": ".mha", ".mnc": ".nii.gz", ".dcm": ".nii.gz", ".ima": ".nii.gz"}


def output_name(source: Path) -> str:
    """File name of what is made of ``source``: its own, or ``.nii.gz`` for a DICOM series or MINC."""
    name = source.resolve().name
    if source.is_dir():
        return f"{name}.nii.gz"
    if name.lower().endswith((*_NIFTI, *_ITK)):
        return name
    suffix = source.suffix
    written = _WRITTEN_AS.get(suffix.lower())
    return f"{name}.nii.gz" if written is None else name.removesuffix(suffix) + written


def check_output(path: Path, *, source: Path, overwrite: bool = False) -> None:
    """Say before any work is done whether ``path`` can be written.

    Raises:
        InputError: if it is the source itself, exists (without ``overwrite``), has a format that ``source``
            is not written in, or lies where nothing can be written.
    """
    name = path.name.lower()
    formats = _NIFTI if source.name.lower().endswith(_NIFTI) else FORMATS
    if not name.endswith(formats):
        raise InputError(f"{path}: not a format this scan is written in; end it in {' or '.join(formats)}")
    if path.exists() and source.exists() and path.samefile(source):
        raise InputError(f"{path}: is the input itself; give another output")
    check_writable(path, overwrite=overwrite)


def write_volume(
    path: Path,
    values: np.ndarray,
    *,
    source: Path,
    affine: np.ndarray,
    dtype: Literal["float32", "same"] = "float32",
    overwrite: bool = False,
    slices: Sequence[Path] = (),
) -> None:
    """Write ``values`` ``(X, Y, Z)``, in scanner units, to ``path`` in the manner of ``source``.

    NIfTI keeps the source's header (qform, sform and their codes, units, description, extensions), NRRD and
    MetaImage its geometry and metadata. The file appears whole or not at all.

    Args:
        path: where to; its ending says the format.
        values: in scanner units, axes as they lie in the source.
        source: file or DICOM folder that the values were made from, of the same shape.
        affine: from voxels to millimetres, right-anterior-superior; for a source that is not NIfTI.
        dtype: ``"float32"``, or ``"same"`` as stored in the source: integers are rounded and clipped, with
            the source's own scaling, so that they read back in scanner units.
        overwrite: replace what is there.
        slices: files of the DICOM series in the folder ``source``, in order, where it holds several.

    Raises:
        InputError: as `check_output`, or if the disk refuses.
    """
    check_output(path, source=source, overwrite=overwrite)
    if path.name.lower().endswith(_NIFTI):
        image = _nifti(values, source, affine, same=dtype == "same", slices=slices)
        write = image.to_filename
    else:
        image = _itk_image(values, source, same=dtype == "same", slices=slices)

        def write(name: Path) -> None:
            import itk

            itk.imwrite(image, str(name), compression=True)

    try:
        with atomic_write(path) as partial:
            write(partial)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); give another output") from error


def _nifti(values: np.ndarray, source: Path, affine: np.ndarray, *, same: bool, slices: Sequence[Path]) -> Any:
    if not source.name.lower().endswith(_NIFTI):
        stored = _to_type(values, _read_itk(source, slices)[1]) if same else values.astype(np.float32)
        image = nibabel.Nifti1Image(stored, affine)
        image.set_sform(affine, code="scanner")
        image.set_qform(affine, code="scanner")
        image.header.set_xyzt_units("mm")
        return image
    original: Any = nibabel.load(source)
    header = original.header.copy()
    if not same:
        header.set_data_dtype(np.float32)
        return type(original)(values.astype(np.float32), original.affine, header)
    slope, inter = float(original.dataobj.slope), float(original.dataobj.inter)
    stored = _to_type((values.astype(np.float64) - inter) / slope, original.get_data_dtype())
    image = type(original)(stored, original.affine, header)
    image.header.set_slope_inter(slope, inter)
    return image


def _itk_image(values: np.ndarray, source: Path, *, same: bool, slices: Sequence[Path]) -> Any:
    import itk

    original, dtype = _read_itk(source, slices)
    stored = _to_type(values, dtype) if same else values.astype(np.float32)
    image = itk.image_from_array(np.ascontiguousarray(stored.T))
    image.CopyInformation(original)
    image.SetMetaDataDictionary(original.GetMetaDataDictionary())
    return image


def _read_itk(source: Path, slices: Sequence[Path] = ()) -> tuple[Any, np.dtype]:
    """The source as an ITK image, and the type that its voxels are stored in."""
    import itk

    if slices:
        image = itk.imread([str(path) for path in slices])
    elif source.is_dir():
        series = itk.GDCMSeriesFileNames.New()
        series.SetUseSeriesDetails(True)
        series.AddSeriesRestriction("0008|0021")  # series date: the choice of MONAI's ITKReader
        series.SetDirectory(str(source))
        image = itk.imread(list(series.GetFileNames(series.GetSeriesUIDs()[0])))
    else:
        image = itk.imread(str(source))
    return image, itk.array_view_from_image(image).dtype


def _to_type(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``values`` in ``dtype``; rounded and clipped to its range where it is an integer."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values.astype(np.float64)), limits.min, limits.max).astype(dtype)
