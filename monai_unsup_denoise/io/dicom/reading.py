"""The voxels of a series in rescaled units, and their affine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import AllTransferSyntaxes, RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.files import largest
from monai_unsup_denoise.io.dicom.headers import integer_of, numbers_of
from monai_unsup_denoise.io.dicom.series import DicomSeries
from monai_unsup_denoise.io.dicom.slices import Slice, read_slices, slices_of

if TYPE_CHECKING:
    from monai.data import MetaTensor

_SAME = 1e-3  # mm, and direction cosines: what scanners round to
_RIGHT = 0.01  # of products of direction cosines, which some programs round to two decimals
_EVEN = 0.05  # tolerance of the distance between slices, relative
_PADDING = 128  # bytes after the pixels, which some programs add


def read_series(series: DicomSeries) -> MetaTensor:
    """Voxels ``(columns, rows, slices)``, float32, and their affine, right-anterior-superior in mm.

    Each slice is rescaled by its own slope and intercept. DICOM PS3.3, C.7.6.2 (image plane) and C.11.1 (rescale).

    Raises:
        InputError: if the series is not a stack of equal, parallel, evenly spaced slices, or cannot be decoded.
    """
    import torch  # both here: planning and listing need only headers, and come at once
    from monai.data import MetaTensor

    with disable_value_validation():  # it would print invalid values, patient names among them
        slices = read_slices(series)
        where = series.files[0].parent if len(series.files) > 1 else series.files[0]
        affine = _affine(slices, f"{where}: series {series.number}")
        for keyword in ("RescaleSlope", "RescaleIntercept"):
            lacking = [each.path for each in slices if keyword not in each.header]
            if 0 < len(lacking) < len(slices):
                raise InputError(f"{lacking[0]}: lacks {keyword}, which other slices have; copy or export it again")
        stored = {each.path: _stored(each) for each in slices if each.frame == 0}
        voxels = np.stack([_rescaled(stored[each.path][each.frame], each).T for each in slices], axis=-1)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(voxels)),
        affine=torch.from_numpy(affine),
        meta={"filename_or_obj": str(where), "original_channel_dim": "no_channel"},
    )


def stored_type(files: Sequence[Path]) -> np.dtype:
    """The type in which the slices of ``files`` are stored; float32 if they are rescaled.

    Raises:
        InputError: as `read_series`.
    """
    slices = [each for path in files for each in slices_of(path)]
    if any(rescale_of(each.header) != (1, 0) for each in slices):
        return np.dtype(np.float32)
    return np.result_type(*(pixel_type(each.item) for each in slices))


def pixel_type(item: Dataset) -> np.dtype:
    """The type of the integers in which the pixels of ``item`` are stored, little-endian."""
    return np.dtype(f"<{'i' if int(item.PixelRepresentation) else 'u'}{2 if int(item.BitsStored) <= 16 else 4}")


def _stored(each: Slice) -> np.ndarray:
    """Stored values ``(frames, rows, columns)`` of the file of a slice."""
    item, path = each.item, each.path
    if integer_of(item, "SamplesPerPixel") > 1:
        raise InputError(f"{path}: colour pixels, but magnitudes are needed; give the original series")
    high, bits = integer_of(item, "HighBit"), integer_of(item, "BitsStored")
    if high != bits - 1:
        raise InputError(f"{path}: HighBit {high} with {bits} bits stored, but one less is needed; export it again")
    syntax = item.file_meta.TransferSyntaxUID
    is_compressed = syntax in AllTransferSyntaxes and syntax.is_compressed
    try:
        _check_size(item, path, is_compressed=is_compressed)
        pixels = item.pixel_array
        unused = 8 * pixels.dtype.itemsize - bits
        # pydicom 2 leaves overlays in the unused bits
        return ((pixels << unused) >> unused).reshape(-1, *pixels.shape[-2:])
    except InputError:
        raise
    except Exception as error:  # decoders raise exceptions of their own
        if is_compressed and syntax != RLELossless:
            raise InputError(
                f"{path}: its pixels are compressed ({syntax.name}) and no installed decoder reads them; "
                "pip install python-gdcm, or decompress the series first"
            ) from error
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: its pixels cannot be read ({reason}); copy or export the file again") from error


def _rescaled(stored: np.ndarray, each: Slice) -> np.ndarray:
    """Stored values of a slice times its slope plus its intercept, float32."""
    try:
        slope, intercept = rescale_of(each.header)
    except Exception as error:  # damage raises errors of every kind
        raise InputError(f"{each.path}: RescaleSlope or RescaleIntercept is no number; export it again") from error
    with np.errstate(over="ignore"):  # infinite voxels are refused later
        return (stored.astype(np.float64) * slope + intercept).astype(np.float32)


def _check_size(item: Dataset, path: Path, *, is_compressed: bool) -> None:
    """Check the size that the header claims before memory is taken for it, and that no pixels are left over."""
    claimed = math.prod(integer_of(item, keyword) for keyword in ("Rows", "Columns", "BitsAllocated")) // 8
    claimed *= max(integer_of(item, "NumberOfFrames"), 1)
    size = len(item.get("PixelData") or b"")
    if claimed > (largest(size) if is_compressed else size) or not is_compressed and size > claimed + _PADDING:
        raise InputError(f"{path}: {size} bytes of pixels, but {claimed} by its header; copy or export it again")


def rescale_of(header: Dataset) -> tuple[float, float]:
    """RescaleSlope and RescaleIntercept; 1 and 0 where there are none.

    Raises:
        ValueError: if they are no numbers.
    """
    slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    if not np.isfinite([slope, intercept]).all():
        raise ValueError("not finite")
    return slope, intercept


def _affine(slices: Sequence[Slice], what: str) -> np.ndarray:
    """From voxels to mm, right-anterior-superior; DICOM's own coordinates are left-posterior-superior."""

    def numbers(keyword: str, count: int) -> np.ndarray:
        """An element of all slices ``(slices, count)``."""
        found = [numbers_of(each.header, keyword, count) for each in slices]
        if lacking := [each.path for each, row in zip(slices, found, strict=True) if row is None]:
            raise InputError(
                f"{lacking[0]}: {keyword} is missing or malformed, so that the place of its voxels is unknown; export "
                "it again"
            )
        return np.array(found)

    size = np.hstack([numbers("Rows", 1), numbers("Columns", 1)])
    position, orientation = numbers("ImagePositionPatient", 3), numbers("ImageOrientationPatient", 6)
    spacing = numbers("PixelSpacing", 2)
    if (size != size[0]).any():
        raise InputError(f"{what}: slices of different sizes; separate them")
    if max(np.abs(orientation - orientation[0]).max(), np.abs(spacing - spacing[0]).max()) > _SAME:
        raise InputError(f"{what}: slices of different orientation or spacing (a localiser?); give a stack of slices")
    axes = orientation[0].reshape(2, 3)
    if np.abs(axes @ axes.T - np.eye(2)).max() > _RIGHT or spacing[0].min() <= 0:
        raise InputError(f"{what}: its axes are not perpendicular, or PixelSpacing is not positive; export it again")
    row, column = axes
    normal = np.cross(row, column)
    step = _step(position, normal, what) if len(slices) > 1 else normal * _depth(slices[0].header)
    lps = np.eye(4)
    lps[:3] = np.column_stack([row * spacing[0, 1], column * spacing[0, 0], step, position[0]])
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def _depth(header: Dataset) -> float:
    """Depth of a single slice, mm; 1 if unknown."""
    given = (numbers_of(header, keyword) for keyword in ("SpacingBetweenSlices", "SliceThickness"))
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
