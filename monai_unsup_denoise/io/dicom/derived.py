"""Write a derived MR series: the source's files with new voxels."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_folder, check_parent
from monai_unsup_denoise.io.dicom.headers import integer_of
from monai_unsup_denoise.io.dicom.reading import pixel_type, rescale_of
from monai_unsup_denoise.io.dicom.series import DicomSeries
from monai_unsup_denoise.io.dicom.slices import read_slices
from monai_unsup_denoise.io.dicom.sources import refer_to_source
from monai_unsup_denoise.staging import settle

#: Elements that become invalid when pixels change: signatures, the thumbnail, extremes over the series, offsets of
#: compressed frames, the creator of the source and its coded derivation (no code of the standard means denoising),
#: and the object that a source of several files was cut out of.
#: LossyImageCompression stays: it says that the image was lossily compressed once (DICOM PS3.3, C.7.6.1.1.5).
_DROPPED = (
    "DigitalSignaturesSequence MACParametersSequence IconImageSequence SmallestPixelValueInSeries "
    "LargestPixelValueInSeries ExtendedOffsetTable ExtendedOffsetTableLengths InstanceCreatorUID "
    "DerivationCodeSequence ConcatenationUID SOPInstanceUIDOfConcatenationSource ConcatenationFrameOffsetNumber "
    "InConcatenationNumber InConcatenationTotalNumber"
).split()
#: A UUID as a UID: DICOM PS3.5, B.2.
_IMPLEMENTATION_UID = UID(f"2.25.{uuid.UUID('b2d5b0c4-6f0e-4c55-9d3f-6a2f1c7e8a10').int}")
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

    Each file is a copy of its source's dataset, frames in the source's order: patient, study, geometry, acquisition
    and rescale stay; series and instances get new UIDs, the same for the same voxels; pixels are rounded and clipped to
    the source's stored bits (so they read back within half a stored unit) and not compressed. The folder appears whole
    or not at all.

    ``sigma``, the estimated noise level in rescaled units, and ``software``, name and version, go into the derivation's
    description. Returns the files, in the order of those of ``series``.

    Raises:
        ValueError: if ``voxels`` has another shape than the series, or is not finite.
        InputError: if the folder is not empty, is the source's own, or cannot be written, or the source is damaged.
    """
    folder = Path(folder)
    check_folder(folder, source=series, overwrite=overwrite)
    voxels = np.asarray(voxels)
    if not np.isfinite(voxels).all():
        raise ValueError("voxels: some are NaN or infinite")
    uid, now = _series_uid(series, voxels, software), datetime.now()
    noise = "" if sigma is None else f"; estimated noise level: sigma {sigma:.4g}"
    names = [f"IM{number:04d}.dcm" for number in range(1, len(series.files) + 1)]
    with disable_value_validation(), atomic_folder(folder) as partial:
        slices = read_slices(series)
        if voxels.ndim != 3 or voxels.shape[2] != len(slices):
            raise ValueError(f"voxels {voxels.shape} are not the {len(slices)} slices of the series")
        frames: dict[Path, list[tuple[int, int]]] = {path: [] for path in series.files}
        for z, each in enumerate(slices):
            frames[each.path].append((each.frame, z))
        for path, name in zip(series.files, names, strict=True):
            places = [z for _, z in sorted(frames[path])]
            item = slices[places[0]].item
            if (item.Columns, item.Rows) != voxels.shape[:2]:
                raise ValueError(f"{path}: voxels {voxels.shape}, but the slice has {(item.Columns, item.Rows)}")
            item.DerivationDescription = f"Rician noise removed by {software}{noise}. Not for diagnostic use."
            item.InstanceCreationDate, item.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
            try:
                stored = np.stack([_to_stored(voxels[:, :, z].T, item, slices[z].header) for z in places])
                _save(_derived(item, stored, uid, name), partial / name)
            except Exception as error:  # elements that were skipped on reading
                if isinstance(error, OSError) and error.errno is not None:  # the disk
                    raise
                reason = " ".join(str(error).partition("Traceback")[0].split())[:200]
                raise InputError(f"{path}: cannot be written again ({reason}), it is damaged; copy it again") from error
    return [folder / name for name in names]


def check_folder(folder: Path, *, source: DicomSeries, overwrite: bool) -> None:
    """Check, before any work is done, that a series can be written into ``folder``.

    Raises:
        InputError: if not.
    """
    settle(folder.parent)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file, but a DICOM series is written into a folder; give another output")
    if any(path.resolve().is_relative_to(folder.resolve()) for path in source.files):
        raise InputError(f"{folder}: is the folder of the input; give another one")
    existing = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if any(not re.fullmatch(_FILE_NAME, name) for name in existing):
        raise InputError(f"{folder}: holds other files, and a series needs a folder of its own; give another one")
    if existing and not overwrite:
        raise InputError(f"{folder}: holds a series already; add --overwrite or give another folder")
    check_parent(folder)


def _series_uid(series: DicomSeries, voxels: np.ndarray, software: str) -> str:
    """The same for the same result, so that an archive takes what is sent again, after a crash say, for what it has."""
    digest = hashlib.sha256(np.ascontiguousarray(voxels).data).hexdigest()
    return generate_uid(entropy_srcs=[series.uid, software, digest])


def _derived(item: Dataset, stored: np.ndarray, series_uid: str, name: str) -> Dataset:
    """The source ``item`` as the file ``name`` with other pixels ``(frames, rows, columns)`` in ``series_uid``."""
    refer_to_source(item)
    instance_uid = generate_uid(entropy_srcs=[series_uid, str(item.SOPInstanceUID), name])
    item.SeriesInstanceUID, item.SOPInstanceUID = series_uid, instance_uid
    item.SeriesNumber = integer_of(item, "SeriesNumber") + 1000
    description = str(item.get("SeriesDescription") or "")[:55].rstrip()  # of 64 characters, with the suffix
    item.SeriesDescription = f"{description} denoised".strip()
    for keyword in _DROPPED:
        if keyword in item:
            del item[keyword]
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in item:  # an overlay in unused bits of the pixels, which are not written
            for element in list(item.group_dataset(group)):
                del item[element.tag]
    item.BitsAllocated = 8 * stored.dtype.itemsize
    item.PixelData = stored.tobytes()
    item["PixelData"].VR = "OW"
    for tag, value in (("SmallestImagePixelValue", stored.min()), ("LargestImagePixelValue", stored.max())):
        if tag in item and stored.dtype.itemsize > 2:
            del item[tag]  # it holds 16 bits
        elif tag in item:
            item[tag].VR = "SS" if int(item.PixelRepresentation) else "US"
            item[tag].value = int(value)
    return item


def _to_stored(values: np.ndarray, item: Dataset, header: Dataset) -> np.ndarray:
    """Rescaled ``values`` of the slice ``header`` as the integers of its file ``item``: rounded, clipped."""
    bits, signed = int(item.BitsStored), bool(int(item.PixelRepresentation))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = rescale_of(header)
    stored = np.rint((values.astype(np.float64) - intercept) / slope).clip(low, high)
    return stored.astype(pixel_type(item))


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
