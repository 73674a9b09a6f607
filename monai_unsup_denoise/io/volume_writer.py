"""Write a volume as its source was: format, header, geometry, and on demand the data type."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import nibabel
import numpy as np
from nibabel.openers import ImageOpener

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write, check_writable, exists
from monai_unsup_denoise.io.dicom import stored_type
from monai_unsup_denoise.io.dicom.files import is_dicom
from monai_unsup_denoise.io.file_checks import check_ending, check_file
from monai_unsup_denoise.io.nibabel_formats import MGH, as_nifti, is_nibabel
from monai_unsup_denoise.io.nibabel_images import as_stored, mgh_like, new_nifti, nifti_like, scaling, to_type
from monai_unsup_denoise.io.nrrd_axes import without_single_axes

VoxelType = Literal["float32", "same"]
_NIFTI = (".nii", ".nii.gz")
#: Endings of all that is written.
FORMATS = (*_NIFTI, *MGH, ".nrrd", ".mha")
#: Formats that are read but not written (header and data in two files; MINC; DICOM), and what they become.
_WRITTEN_AS = {".nhdr": ".nrrd", ".mhd": ".mha"} | dict.fromkeys(
    (".img", ".hdr", ".img.gz", ".hdr.gz", ".mnc", ".dcm", ".ima"), ".nii.gz"
)


def output_name(source: Path) -> str:
    """File name of an output of the file ``source``: the same, or another ending where its format is not written."""
    name = source.name  # of a link its own: the target's may be a key of DataLad, or name a person
    if name.lower().endswith(FORMATS):
        return name
    for ending, written in _WRITTEN_AS.items():
        if name.lower().endswith(ending):
            return name[: -len(ending)] + written
    return f"{name}.nii.gz"


def check_output(path: Path, *, source: Path, overwrite: bool = False) -> None:
    """Check, before any work is done, that ``path`` can be written in the manner of ``source``.

    Raises:
        InputError: if not, or if it is the source itself, or exists (without ``overwrite``).
    """
    for file in (source, path):
        check_ending(file)
    formats = _NIFTI if is_nibabel(source) else (*_NIFTI, ".nrrd", ".mha")
    if source.name.lower().endswith(MGH):
        formats = (*MGH, *_NIFTI)
    if not path.name.lower().endswith(formats):
        raise InputError(f"{path}: not a format this scan is written in; end it in {' or '.join(formats)}")
    if exists(path) and source.exists() and path.samefile(source):
        raise InputError(f"{path}: is the input itself; give another output")
    check_writable(path, overwrite=overwrite)


def write_volume(
    path: Path,
    values: np.ndarray,
    *,
    source: Path,
    affine: np.ndarray,
    dtype: VoxelType = "float32",
    overwrite: bool = False,
    slices: Sequence[Path] = (),
) -> None:
    """Write ``values`` ``(X, Y, Z)``, in scanner units, to ``path``, in the manner of ``source``.

    NIfTI and MGH keep the source's header (qform, sform and their codes, units, description, extensions; repetition
    time), NRRD and MetaImage its geometry and metadata. The file appears whole or not at all.

    Args:
        path: of the output; its ending says the format.
        values: with the source's shape and axes; of a source with several volumes, one.
        source: file or DICOM folder.
        affine: from voxels to millimetres, right-anterior-superior; for a source that is not NIfTI.
        dtype: ``"same"`` as in the source: integers are rounded and clipped, with the source's own scaling.
        overwrite: replace an existing file.
        slices: files of the DICOM series, in order, where ``source`` is a folder.

    Raises:
        InputError: as `check_output`, or if the disk refuses.
    """
    check_output(path, source=source, overwrite=overwrite)
    is_mgh = path.name.lower().endswith(MGH)
    make = _mgh if is_mgh else _nifti if _is_nifti(path) else _itk_image
    image = make(values, source, affine, same=dtype == "same", slices=slices)
    with _written(path), atomic_write(path) as partial:
        if is_mgh or _is_nifti(path):
            image.to_filename(partial)
        else:
            _write_itk(image, partial)


def image_of(
    values: np.ndarray, *, source: Path, affine: np.ndarray, dtype: VoxelType = "float32", slices: Sequence[Path] = ()
) -> Any:
    """What `write_volume` writes into a NIfTI file, or MGH of MGH, as an image of nibabel; arguments as there."""
    make = _mgh if source.name.lower().endswith(MGH) else _nifti
    return make(values, source, affine, same=dtype == "same", slices=slices)


@contextmanager
def open_output(
    path: Path, *, source: Path, dtype: VoxelType = "float32", overwrite: bool = False
) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that writes the next volume ``(X, Y, Z)`` of a ``source`` with several, as `write_volume` does.

    The file appears whole at the end of the block, or not at all. It is never in memory as a whole.

    Raises:
        InputError: as `write_volume`.
    """
    check_output(path, source=source, overwrite=overwrite)
    is_mgh = path.name.lower().endswith(MGH)
    original: Any = nibabel.load(source) if is_mgh else as_nifti(nibabel.load(source))
    same = dtype == "same"
    voxel_type = original.get_data_dtype() if same else np.dtype(np.float32)
    image = type(original)(np.broadcast_to(np.zeros((), voxel_type), original.shape), original.affine, original.header)
    image.set_data_dtype(voxel_type)
    image.update_header()
    header = image.header
    if not is_mgh:  # which has no scaling
        header.set_slope_inter(*scaling(original) if same else (1, 0))

    def write(values: np.ndarray) -> None:
        stored = as_stored(values, original) if same else values
        with _written(path):
            file.write(stored.astype(header.get_data_dtype()).tobytes(order="F"))

    with _written(path), atomic_write(path) as partial, ImageOpener(str(partial), "wb") as file:
        (header.writehdr_to if is_mgh else header.write_to)(file)
        file.write(bytes(header.get_data_offset() - file.tell()))
        yield write
        if is_mgh:
            header.writeftr_to(file)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """What the disk or ITK raise, as one line."""
    try:
        yield
    except (OSError, RuntimeError, UnicodeError) as error:  # the latter two are ITK's
        reason = getattr(error, "strerror", None) or "ITK cannot"
        raise InputError(f"{path}: cannot be written ({reason}); make room or give another output") from error


def _write_itk(image: Any, path: Path) -> None:
    """Write ``image`` and check that it is whole: ITK does not always notice a full disk."""
    import itk

    itk.imwrite(image, str(path), compression=True)
    try:
        check_file(path, max_ratio=math.inf)
    except ValueError as error:
        raise OSError(errno.ENOSPC, "the disk did not take all of it") from error


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith(_NIFTI)


def _nifti(values: np.ndarray, source: Path, affine: np.ndarray, *, same: bool, slices: Sequence[Path]) -> Any:
    if is_nibabel(source):
        return nifti_like(nibabel.load(source), values, same=same)
    return new_nifti(to_type(values, _type_of(source, slices)) if same else values.astype(np.float32), affine)


def _mgh(values: np.ndarray, source: Path, affine: np.ndarray, *, same: bool, slices: Sequence[Path]) -> Any:
    return mgh_like(nibabel.load(source), values, same=same)


def _itk_image(values: np.ndarray, source: Path, affine: np.ndarray, *, same: bool, slices: Sequence[Path]) -> Any:
    import itk

    stored = to_type(values, _type_of(source, slices)) if same else values.astype(np.float32)
    if slices or is_dicom(source):
        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        spacing = np.linalg.norm(lps[:3, :3], axis=0)
        image = itk.image_from_array(np.ascontiguousarray(stored.T))
        image.SetDirection(itk.matrix_from_array(np.ascontiguousarray(lps[:3, :3] / spacing)))
        image.SetSpacing(spacing.tolist())
        image.SetOrigin(lps[:3, 3].tolist())
        return image
    original = _read_itk(source)  # ITK knows its geometry
    axes = itk.array_view_from_image(original).shape  # (1, Z, Y, X) where the source has a time axis
    image = itk.image_from_array(np.ascontiguousarray(stored.T).reshape(axes))
    image.CopyInformation(original)
    image.SetMetaDataDictionary(original.GetMetaDataDictionary())
    return image


def _read_itk(source: Path) -> Any:
    import itk

    with without_single_axes(source) as readable:
        return itk.imread(str(readable))


def _type_of(source: Path, slices: Sequence[Path]) -> np.dtype:
    """The type that the voxels of the source are stored in."""
    import itk

    if slices or is_dicom(source):
        return stored_type(slices or [source])
    return itk.array_view_from_image(_read_itk(source)).dtype
