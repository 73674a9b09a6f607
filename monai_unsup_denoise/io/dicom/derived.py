"""A derived MR series, written from the slices that its voxels were made of."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_folder, check_parent
from monai_unsup_denoise.io.dicom.reading import intercept_of, slope_of
from monai_unsup_denoise.io.dicom.series import DicomSeries, integer_of

#: Elements that become invalid when pixels change: signatures, the thumbnail, extremes over the series, offsets of
#: compressed frames, the creator of the source and its coded derivation (no code of the standard means denoising).
#: LossyImageCompression stays: it says that the image was lossily compressed once (DICOM PS3.3, C.7.6.1.1.5).
_DROPPED = (
    "DigitalSignaturesSequence",
    "MACParametersSequence",
    "IconImageSequence",
    "SmallestPixelValueInSeries",
    "LargestPixelValueInSeries",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "InstanceCreatorUID",
    "DerivationCodeSequence",
)
#: A UUID of our own, as DICOM PS3.5, B.2 makes a UID of it.
_IMPLEMENTATION_UID = UID(f"2.25.{uuid.UUID('b2d5b0c4-6f0e-4c55-9d3f-6a2f1c7e8a10').int}")
_SUFFIX = " denoised"
_PYDICOM_2 = int(pydicom.__version__.partition(".")[0]) < 3
_STANDARD_FILE: dict[str, Any] = {"write_like_original": False} if _PYDICOM_2 else {"enforce_file_format": True}
_FILE_NAME = r"IM\d{4,}\.dcm"


def write_derived_series(
    series: DicomSeries,
    voxels: np.ndarray,
    folder: str | Path,
    *,
    sigma: float | None,
    software: str,
    overwrite: bool = False,
) -> list[Path]:
    """Write ``voxels`` ``(X, Y, Z)``, in rescaled units, as a series derived from ``series`` into ``folder``.

    Each slice is a copy of its source's dataset: patient, study, geometry, acquisition and rescale stay; series and
    instances get UIDs of their own; the pixels are rounded and clipped to the source's stored bits (so they read back
    within half a stored unit) and not compressed. The source files are only read. The folder appears whole or not
    at all.

    DICOM PS3.3, C.7.6.1.1.2 (image type) and C.12.4 (derivation, source images).

    Args:
        series: the source.
        voxels: as `read_series` gives them.
        folder: where to; made if need be.
        sigma: noise level found, in rescaled units, for the description; None if unknown.
        software: name and version, for the description.
        overwrite: replace what the folder holds.

    Returns:
        The files, in the order of the slices.

    Raises:
        ValueError: if ``voxels`` has another shape than the series, or NaN or infinity in it.
        InputError: if the folder holds something already, is the source's own, or cannot be written.
    """
    folder = Path(folder)
    check_folder(folder, source=series, overwrite=overwrite)
    voxels = np.asarray(voxels)
    if not np.isfinite(voxels).all():
        raise ValueError("voxels: some are NaN or infinite")
    if voxels.ndim != 3 or voxels.shape[2] != len(series.files):
        raise ValueError(f"voxels {voxels.shape} are not the {len(series.files)} slices of the series")
    uid = generate_uid()
    now = datetime.now()
    names = [_file_name(index) for index in range(len(series.files))]
    with disable_value_validation(), atomic_folder(folder) as partial:
        for index, path in enumerate(series.files):
            item = _derived(pydicom.dcmread(path), voxels[:, :, index].T, path=path)
            item.SeriesInstanceUID = uid
            item.DerivationDescription = _description(sigma, software)
            item.InstanceCreationDate, item.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
            _save(item, partial / names[index])
    return [folder / name for name in names]


def check_folder(folder: Path, *, source: DicomSeries, overwrite: bool) -> None:
    """Say before any work is done whether a series can be written into ``folder``.

    Raises:
        InputError: if not.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, but a DICOM series is written into a folder; give another output")
    if any(path.resolve().is_relative_to(folder.resolve()) for path in source.files):
        raise InputError(f"{folder}: is the folder of the input; give another one")
    held = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if any(not re.fullmatch(_FILE_NAME, name) for name in held):
        raise InputError(f"{folder}: holds other files, and a series needs a folder of its own; give another one")
    if held and not overwrite:
        raise InputError(f"{folder}: holds a series already; add --overwrite or give another folder")
    check_parent(folder)


def _file_name(index: int) -> str:
    return f"IM{index + 1:04d}.dcm"


def _derived(item: Dataset, values: np.ndarray, *, path: Path) -> Dataset:
    """The slice ``item`` with other pixels ``(rows, columns)``, in rescaled units."""
    if values.shape != (item.Rows, item.Columns):
        raise ValueError(f"{path}: voxels {values.shape}, but the slice has {(item.Rows, item.Columns)}")
    source = Dataset()
    source.ReferencedSOPClassUID = item.SOPClassUID
    source.ReferencedSOPInstanceUID = item.SOPInstanceUID
    source.SpatialLocationsPreserved = "YES"
    source.PurposeOfReferenceCodeSequence = DicomSequence([_image_processing()])
    item.SourceImageSequence = DicomSequence([source])
    item.SOPInstanceUID = generate_uid()
    kind = [str(value) for value in item.get("ImageType") or ["ORIGINAL", "PRIMARY"]]
    item.ImageType = ["DERIVED", "SECONDARY", *kind[2:]]
    item.SeriesNumber = integer_of(item, "SeriesNumber") + 1000
    item.SeriesDescription = (str(item.get("SeriesDescription") or "")[: 64 - len(_SUFFIX)].rstrip() + _SUFFIX).strip()
    for keyword in _DROPPED:
        if keyword in item:
            del item[keyword]
    _drop_overlays_in_pixels(item)
    stored = to_stored(values, item)
    item.BitsAllocated = 8 * stored.dtype.itemsize
    item.PixelData = stored.tobytes()
    item["PixelData"].VR = "OW"
    for tag, value in (("SmallestImagePixelValue", stored.min()), ("LargestImagePixelValue", stored.max())):
        if tag in item:
            item[tag].VR = "SS" if int(item.PixelRepresentation) else "US"
            item[tag].value = int(value)
    return item


def _image_processing() -> Dataset:
    """Why the source is referred to: DICOM PS3.16, CID 7202."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "121322", "DCM"
    code.CodeMeaning = "Source image for image processing operation"
    return code


def _drop_overlays_in_pixels(item: Dataset) -> None:
    """Overlays that lie in unused bits of the source's pixels, which are not written; others stay."""
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in item:
            for element in list(item.group_dataset(group)):
                del item[element.tag]


def to_stored(values: np.ndarray, item: Dataset) -> np.ndarray:
    """Rescaled ``values`` as the integers that ``item`` stores: rounded, clipped to its stored bits."""
    bits, signed = int(item.BitsStored), bool(int(item.PixelRepresentation))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    stored = np.rint((values.astype(np.float64) - intercept_of(item)) / slope_of(item)).clip(low, high)
    width = 16 if bits <= 16 else 32
    return np.ascontiguousarray(stored.astype(f"<{'i' if signed else 'u'}{width // 8}"))


def _description(sigma: float | None, software: str) -> str:
    noise = "" if sigma is None else f"; noise level found: sigma {sigma:.4g}"
    return f"Rician noise removed by {software}{noise}. Not for diagnostic use."


def _save(item: Dataset, path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = item.SOPClassUID
    meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION_UID
    meta.ImplementationVersionName = f"MRIDENOISE_{__version__}"[:16]
    item.file_meta = meta
    item.preamble = b"\0" * 128  # the source's may hold offsets into the source
    if _PYDICOM_2:  # which asks the dataset, not the transfer syntax
        item.is_little_endian, item.is_implicit_VR = True, False
    pydicom.dcmwrite(path, item, **_STANDARD_FILE)
