"""The voxels of a series, in the units of its rescale, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import torch
from monai.data import MetaTensor
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.series import DicomSeries, integer_of, numbers_of

_SAME = 1e-3  # mm, and direction cosines: what scanners round to
_EVEN = 0.05  # of the distance between slices


def read_series(series: DicomSeries) -> MetaTensor:
    """Voxels ``(X, Y, Z)``, float32, and their affine, right-anterior-superior in mm.

    X runs along the columns, Y along the rows, Z along the slices. Each slice is rescaled by its own slope and
    intercept, in floating point.

    DICOM PS3.3, C.7.6.2 (image plane) and C.11.1 (rescale).

    Raises:
        InputError: if the series is no stack of equal, parallel, evenly spaced slices; if it is an enhanced
            multi-frame object; or if its pixels cannot be decoded.
    """
    where = series.files[0].parent
    if series.frames > 1:
        raise InputError(
            f"{where}: series {series.number} is an enhanced multi-frame object, which is not read here; "
            "convert it to one file per slice (for example with dcm4che's emf2sf)"
        )
    with disable_value_validation():  # which would print values that break a rule, names among them
        slices = [pydicom.dcmread(path) for path in series.files]
        affine = _affine(slices, f"{where}: series {series.number}")
        voxels = np.stack([rescaled(item, path).T for item, path in zip(slices, series.files, strict=True)], axis=-1)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(voxels, dtype=np.float32)),
        affine=torch.from_numpy(affine),
        meta={"filename_or_obj": str(where), "original_channel_dim": "no_channel"},
    )


def rescaled(item: Dataset, path: Path) -> np.ndarray:
    """Pixels ``(rows, columns)`` of a slice times its slope plus its intercept.

    Raises:
        InputError: for colour, bits that lie otherwise than today's standard allows, or pixels that cannot be decoded.
    """
    if integer_of(item, "SamplesPerPixel") > 1:
        raise InputError(f"{path}: colour pixels, but magnitudes are needed; give the original series")
    try:
        if item.HighBit != item.BitsStored - 1:
            raise InputError(f"{path}: HighBit {item.HighBit} with {item.BitsStored} bits stored; export it again")
        return _stored(item.pixel_array, item).astype(np.float64) * slope_of(item) + intercept_of(item)
    except InputError:
        raise
    except Exception as error:  # the decoders' own kinds among them
        syntax = getattr(getattr(item, "file_meta", None), "TransferSyntaxUID", None)
        if syntax is not None and syntax.is_compressed and syntax != RLELossless:
            raise InputError(
                f"{path}: its pixels are compressed ({syntax.name}) and no decoder that is installed reads them; "
                "pip install python-gdcm, or decompress the series first"
            ) from error
        raise InputError(f"{path}: its pixels cannot be read ({error}); copy or export the file again") from error


def _stored(pixels: np.ndarray, item: Dataset) -> np.ndarray:
    """The stored bits alone, with their sign: above them there may be an overlay, which pydicom 2 leaves in."""
    above = 8 * pixels.dtype.itemsize - int(item.BitsStored)
    return (pixels << above) >> above


def slope_of(item: Dataset) -> float:
    """RescaleSlope, 1 where there is none."""
    return float(item.get("RescaleSlope") or 1)


def intercept_of(item: Dataset) -> float:
    """RescaleIntercept, 0 where there is none."""
    return float(item.get("RescaleIntercept") or 0)


def _affine(slices: Sequence[Dataset], what: str) -> np.ndarray:
    planes = [_plane(item, what) for item in slices]
    size, place, orientation, spacing = (np.array([plane[i] for plane in planes]) for i in range(4))
    if (size != size[0]).any():
        raise InputError(f"{what}: slices of different sizes; separate them")
    if max(np.abs(orientation - orientation[0]).max(), np.abs(spacing - spacing[0]).max()) > _SAME:
        raise InputError(f"{what}: slices of different orientation or spacing (a localiser?); give a stack of slices")
    row, column = orientation[0, :3], orientation[0, 3:]
    step = _step(place, np.cross(row, column), what) if len(slices) > 1 else np.cross(row, column) * _depth(slices[0])
    lps = np.eye(4)
    lps[:3] = np.column_stack([row * spacing[0, 1], column * spacing[0, 0], step, place[0]])
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def _plane(item: Dataset, what: str) -> list[np.ndarray]:
    """Size, place, orientation and spacing of a slice, DICOM's numbers."""
    wanted = {"Rows": 1, "Columns": 1, "ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
    found = []
    for keyword, count in wanted.items():
        numbers = numbers_of(item, keyword)
        if numbers is None or len(numbers) != count:
            raise InputError(f"{what}: a slice has no readable {keyword}, so its place is unknown; export it again")
        found.append(numbers)
    rows, columns, *others = found
    return [np.concatenate([rows, columns]), *others]


def _depth(item: Dataset) -> float:
    """Of a slice that has no neighbour, mm; 1 where it is not said."""
    given = (numbers_of(item, keyword) for keyword in ("SpacingBetweenSlices", "SliceThickness"))
    return next((float(numbers[0]) for numbers in given if numbers is not None and numbers[0] > 0), 1.0)


def _step(origins: np.ndarray, normal: np.ndarray, what: str) -> np.ndarray:
    """From a slice to the next, mm; the slices must lie evenly, in a straight stack."""
    along = origins @ normal
    gaps = np.diff(along)
    if gaps.min() < _SAME:
        raise InputError(f"{what}: two slices at one position (echoes or repetitions?); give one of each")
    typical = float(np.median(gaps))
    if np.abs(gaps - typical).max() > _EVEN * typical:
        raise InputError(
            f"{what}: slices {gaps.min():.2f} to {gaps.max():.2f} mm apart, so some are missing; copy it again"
        )
    aside = origins - origins[0] - np.outer(along - along[0], normal)
    if np.abs(aside).max() > _EVEN * typical:
        raise InputError(f"{what}: slices shifted against each other within their planes; give a straight stack")
    return (origins[-1] - origins[0]) / (len(origins) - 1)
