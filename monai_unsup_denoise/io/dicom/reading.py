"""The voxels of a series in rescaled units, and their affine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.series import DicomSeries, integer_of, numbers_of

if TYPE_CHECKING:
    from monai.data import MetaTensor

_SAME = 1e-3  # mm, and direction cosines: what scanners round to
_EVEN = 0.05  # tolerance of the distance between slices, relative


def read_series(series: DicomSeries) -> MetaTensor:
    """Voxels ``(columns, rows, slices)``, float32, and their affine, right-anterior-superior in mm.

    Each slice is rescaled by its own slope and intercept. DICOM PS3.3, C.7.6.2 (image plane) and C.11.1 (rescale).

    Raises:
        InputError: if the series is not a stack of equal, parallel, evenly spaced slices, or cannot be decoded.
    """
    import torch  # both here: planning and listing need only headers, and come at once
    from monai.data import MetaTensor

    where = series.files[0].parent
    if series.frames > 1:
        raise InputError(
            f"{where}: series {series.number} is an enhanced multi-frame object, which is not supported; "
            "convert it to one file per slice (for example with dcm4che's emf2sf)"
        )
    with disable_value_validation():  # it would print invalid values, patient names among them
        slices = [pydicom.dcmread(path) for path in series.files]
        affine = _affine(slices, f"{where}: series {series.number}")
        voxels = np.stack([_rescaled(item, path).T for item, path in zip(slices, series.files, strict=True)], axis=-1)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(voxels, dtype=np.float32)),
        affine=torch.from_numpy(affine),
        meta={"filename_or_obj": str(where), "original_channel_dim": "no_channel"},
    )


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
        if syntax is not None and syntax.is_compressed and syntax != RLELossless:
            raise InputError(
                f"{path}: its pixels are compressed ({syntax.name}) and no installed decoder reads them; "
                "pip install python-gdcm, or decompress the series first"
            ) from error
        raise InputError(f"{path}: its pixels cannot be read ({error}); copy or export the file again") from error


def rescale_of(item: Dataset) -> tuple[float, float]:
    """RescaleSlope and RescaleIntercept; 1 and 0 where there are none."""
    return float(item.get("RescaleSlope") or 1), float(item.get("RescaleIntercept") or 0)


def _affine(slices: Sequence[Dataset], what: str) -> np.ndarray:
    """From voxels to mm, right-anterior-superior; DICOM's own coordinates are left-posterior-superior."""

    def numbers(keyword: str, count: int) -> np.ndarray:
        """An element of all slices ``(slices, count)``."""
        found = [numbers_of(item, keyword, count) for item in slices]
        if any(row is None for row in found):
            raise InputError(f"{what}: a slice has no readable {keyword}, so its position is unknown; export it again")
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
