"""The voxels of a series, in the units of its rescale, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import torch
from monai.data import MetaTensor
from pydicom.dataset import Dataset

from monai_unsup_denoise.dicom.series import DicomSeries, slice_normal
from monai_unsup_denoise.errors import InputError

_SAME = 1e-3  # mm, and direction cosines: what scanners round to


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
    slices = [pydicom.dcmread(path) for path in series.files]
    affine = _affine(slices, where, series.number)
    voxels = np.stack([rescaled(item, path).T for item, path in zip(slices, series.files, strict=True)], axis=-1)
    return MetaTensor(
        torch.from_numpy(np.ascontiguousarray(voxels, dtype=np.float32)),
        affine=torch.from_numpy(affine),
        meta={"filename_or_obj": str(where), "original_channel_dim": "no_channel"},
    )


def rescaled(item: Dataset, path: Path) -> np.ndarray:
    """Pixels ``(rows, columns)`` of a slice times its slope plus its intercept.

    Raises:
        InputError: for colour, or pixels that cannot be decoded.
    """
    if int(item.get("SamplesPerPixel") or 1) != 1:
        raise InputError(f"{path}: colour pixels, but magnitudes are needed; give the original series")
    try:
        pixels = item.pixel_array
    except (AttributeError, ValueError, RuntimeError, NotImplementedError) as error:
        syntax = getattr(getattr(item, "file_meta", None), "TransferSyntaxUID", None)
        if syntax is not None and syntax.is_compressed:
            raise InputError(
                f"{path}: its pixels are compressed ({syntax.name}) and no decoder for that is installed; "
                "pip install python-gdcm, or decompress the series first"
            ) from error
        raise InputError(f"{path}: its pixels cannot be read ({error}); copy or export the file again") from error
    return pixels.astype(np.float64) * slope_of(item) + intercept_of(item)


def slope_of(item: Dataset) -> float:
    """RescaleSlope, 1 where there is none."""
    return float(item.get("RescaleSlope") or 1)


def intercept_of(item: Dataset) -> float:
    """RescaleIntercept, 0 where there is none."""
    return float(item.get("RescaleIntercept") or 0)


def _affine(slices: Sequence[Dataset], where: Path, number: int) -> np.ndarray:
    first = slices[0]
    what = f"{where}: series {number}"
    for tag in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns"):
        for item in slices:
            if item.get(tag) is None:
                raise InputError(f"{what}: a slice lacks {tag}, so it is unknown how it lies; export the series again")
    if any((item.Rows, item.Columns) != (first.Rows, first.Columns) for item in slices):
        raise InputError(f"{what}: slices of different sizes; separate them")
    plane = _numbers(first, "ImageOrientationPatient", "PixelSpacing")
    if any(np.abs(_numbers(item, "ImageOrientationPatient", "PixelSpacing") - plane).max() > _SAME for item in slices):
        raise InputError(f"{what}: slices of different orientation or spacing (a localiser?); give a stack of slices")
    origins = np.array([_numbers(item, "ImagePositionPatient") for item in slices])
    step = _step(origins, slice_normal(first), first, what)
    row, column, spacing = plane[:3], plane[3:6], plane[6:]
    lps = np.eye(4)
    lps[:3] = np.column_stack([row * spacing[1], column * spacing[0], step, origins[0]])
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def _step(origins: np.ndarray, normal: np.ndarray | None, first: Dataset, what: str) -> np.ndarray:
    """From a slice to the next, mm; the slices must lie evenly."""
    assert normal is not None
    if len(origins) == 1:
        thickness = first.get("SpacingBetweenSlices") or first.get("SliceThickness") or 1.0
        return normal * float(thickness)
    gaps = np.diff(origins @ normal)
    if gaps.min() < _SAME:
        raise InputError(f"{what}: two slices at one position (echoes or repetitions?); give one of each")
    typical = float(np.median(gaps))
    if np.abs(gaps - typical).max() > 0.05 * typical:
        raise InputError(
            f"{what}: slices {gaps.min():.2f} to {gaps.max():.2f} mm apart, so some are missing; copy it again"
        )
    return (origins[-1] - origins[0]) / (len(origins) - 1)


def _numbers(item: Dataset, *tags: str) -> np.ndarray:
    return np.array([float(value) for tag in tags for value in item[tag].value])
