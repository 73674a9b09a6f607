"""The voxels of a series in rescaled units, and their affine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import UID, AllTransferSyntaxes, RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.files import read_file
from monai_unsup_denoise.io.dicom.headers import integer_of, numbers_of
from monai_unsup_denoise.io.dicom.series import DicomSeries

if TYPE_CHECKING:
    from monai.data import MetaTensor

_SAME = 1e-3  # mm, and direction cosines: what scanners round to
#: Image types of what is no magnitude, such as Siemens' P and Philips' PHASE MAP and P_FFE.
_COMPLEX_PART = r"[PRI](_[A-Z]+)?|(PHASE|VELOCITY)([ _]MAP)?|REAL|IMAGINARY"
_MULTI_FRAME = (
    "an enhanced multi-frame object, which is not supported; convert it to one file per slice (for example with "
    "dcm4che's emf2sf)"
)
_EVEN = 0.05  # tolerance of the distance between slices, relative


def read_series(series: DicomSeries) -> MetaTensor:
    """Voxels ``(columns, rows, slices)``, float32, and their affine, right-anterior-superior in mm.

    Each slice is rescaled by its own slope and intercept. DICOM PS3.3, C.7.6.2 (image plane) and C.11.1 (rescale).

    Raises:
        InputError: if the series is not a stack of equal, parallel, evenly spaced slices, or cannot be decoded.
    """
    import torch  # both here: planning and listing need only headers, and come at once
    from monai.data import MetaTensor

    if series.fault:
        raise InputError(series.fault)
    if series.frames > 1:
        raise InputError(f"{series.files[0]}: {_MULTI_FRAME}")
    where = series.files[0].parent if len(series.files) > 1 else series.files[0]
    with disable_value_validation():  # it would print invalid values, patient names among them
        slices = [_read_slice(path) for path in series.files]
        affine = _affine(slices, series.files, f"{where}: series {series.number}")
        voxels = np.stack([_rescaled(item, path).T for item, path in zip(slices, series.files, strict=True)], axis=-1)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(voxels, dtype=np.float32)),
        affine=torch.from_numpy(affine),
        meta={"filename_or_obj": str(where), "original_channel_dim": "no_channel"},
    )


def _read_slice(path: Path) -> Dataset:
    """A slice of magnitudes."""
    try:
        item = read_file(path)
        why = _why_no_magnitudes(item)
    except Exception as error:  # damage raises errors of every kind
        raise InputError(f"{path}: cannot be read ({type(error).__name__}), it is damaged; copy it again") from error
    if why is not None:
        raise InputError(f"{path}: {why}")
    return item


def _why_no_magnitudes(item: Dataset) -> str | None:
    """Why the pixels of ``item`` are not the magnitudes of one slice, and what to do; None if they are.

    DICOM PS3.3, C.8.13.3.1 (complex image component), C.7.6.3.1.2 (photometric interpretation) and C.8.3.1.1.1 (image
    type); GE's raw data type is 0 for magnitudes.
    """
    missing = next((keyword for keyword in ("SOPClassUID", "SOPInstanceUID") if not item.get(keyword)), None)
    if missing is not None:
        return f"has no {missing}; export it again"
    if "Enhanced" in UID(item.SOPClassUID).name or "PerFrameFunctionalGroupsSequence" in item:
        return _MULTI_FRAME
    kinds = item.get("ImageType") or []
    kinds = {str(kind).strip().upper() for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    if "MOSAIC" in kinds or _private_of(item, 0x0019, "SIEMENS MR HEADER", 0x0A) > 1:
        return "a Siemens mosaic, whose slices are tiles of one image; convert it with dcm2niix and give the NIfTI file"
    component = str(item.get("ComplexImageComponent") or "MAGNITUDE").strip().upper()
    is_part = component not in ("MAGNITUDE", "MIXED") or any(re.fullmatch(_COMPLEX_PART, kind) for kind in kinds)
    if is_part or _private_of(item, 0x0043, "GEMS_PARM_01", 0x2F) in (1, 2, 3):
        return "a phase, real or imaginary image, but magnitudes are needed; give the magnitude series"
    if str(item.get("PhotometricInterpretation") or "").strip().upper() == "MONOCHROME1":
        return "MONOCHROME1, so that its values may be inverted; export it as MONOCHROME2, with air dark"
    return None


def _private_of(item: Dataset, group: int, creator: str, element: int) -> int:
    """The number of a private element; 0 where it is missing or malformed."""
    try:
        return int(item.private_block(group, creator)[element].value)
    except (KeyError, TypeError, ValueError):
        return 0


def _rescaled(item: Dataset, path: Path) -> np.ndarray:
    """Pixels ``(rows, columns)`` of a slice times its slope plus its intercept."""
    if integer_of(item, "SamplesPerPixel") > 1:
        raise InputError(f"{path}: colour pixels, but magnitudes are needed; give the original series")
    high, bits = integer_of(item, "HighBit"), integer_of(item, "BitsStored")
    if high != bits - 1:
        raise InputError(f"{path}: HighBit {high} with {bits} bits stored, but one less is needed; export it again")
    try:
        pixels = item.pixel_array
        unused = 8 * pixels.dtype.itemsize - bits
        stored = (pixels << unused) >> unused  # pydicom 2 leaves overlays in the unused bits
        slope, intercept = rescale_of(item)
        return stored.astype(np.float64) * slope + intercept
    except Exception as error:  # decoders raise exceptions of their own
        syntax = getattr(getattr(item, "file_meta", None), "TransferSyntaxUID", None)
        if syntax in AllTransferSyntaxes and syntax.is_compressed and syntax != RLELossless:
            raise InputError(
                f"{path}: its pixels are compressed ({syntax.name}) and no installed decoder reads them; "
                "pip install python-gdcm, or decompress the series first"
            ) from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: its pixels cannot be read ({reason}); copy or export the file again") from error


def rescale_of(item: Dataset) -> tuple[float, float]:
    """RescaleSlope and RescaleIntercept; 1 and 0 where there are none."""
    return float(item.get("RescaleSlope") or 1), float(item.get("RescaleIntercept") or 0)


def _affine(slices: Sequence[Dataset], files: Sequence[Path], what: str) -> np.ndarray:
    """From voxels to mm, right-anterior-superior; DICOM's own coordinates are left-posterior-superior."""

    def numbers(keyword: str, count: int) -> np.ndarray:
        """An element of all slices ``(slices, count)``."""
        found = [numbers_of(item, keyword, count) for item in slices]
        if lacking := [path for path, row in zip(files, found, strict=True) if row is None]:
            raise InputError(f"{lacking[0]}: no readable {keyword}, so where it lies is unknown; export it again")
        return np.array(found)

    size = np.hstack([numbers("Rows", 1), numbers("Columns", 1)])
    position, orientation = numbers("ImagePositionPatient", 3), numbers("ImageOrientationPatient", 6)
    spacing = numbers("PixelSpacing", 2)
    if (size != size[0]).any():
        raise InputError(f"{what}: slices of different sizes; separate them")
    if max(np.abs(orientation - orientation[0]).max(), np.abs(spacing - spacing[0]).max()) > _SAME:
        raise InputError(f"{what}: slices of different orientation or spacing (a localiser?); give a stack of slices")
    row, column = orientation[0, :3], orientation[0, 3:]
    normal = np.cross(row, column)
    step = _step(position, normal, what) if len(slices) > 1 else normal * _depth(slices[0])
    lps = np.eye(4)
    lps[:3] = np.column_stack([row * spacing[0, 1], column * spacing[0, 0], step, position[0]])
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def _depth(item: Dataset) -> float:
    """Depth of a single slice, mm; 1 if unknown."""
    given = (numbers_of(item, keyword) for keyword in ("SpacingBetweenSlices", "SliceThickness"))
    return next((float(numbers[0]) for numbers in given if numbers is not None and numbers[0] > 0), 1.0)


def _step(position: np.ndarray, normal: np.ndarray, what: str) -> np.ndarray:
    """Vector from a slice to the next, mm; slices must be evenly spaced, in a straight stack."""
    along = position @ normal
    gaps = np.diff(along)
    if gaps.min() < _SAME:
        raise InputError(f"{what}: two slices at one position (echoes or repetitions?); give a series with one of each")
    typical = float(np.median(gaps))
    if np.abs(gaps - typical).max() > _EVEN * typical:
        raise InputError(
            f"{what}: slices {gaps.min():.2f} to {gaps.max():.2f} mm apart, so some are missing; copy it again"
        )
    aside = position - position[0] - np.outer(along - along[0], normal)
    if np.abs(aside).max() > _EVEN * typical:
        raise InputError(f"{what}: slices shifted against each other within their planes; give a straight stack")
    return (position[-1] - position[0]) / (len(position) - 1)
