"""What a DICOM series says, strictly: see `oracle`."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom

from tests.reliability.oracle import Truth


def read_series(folder: Path) -> Truth:
    """The only series of a folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read(folder)


def _read(folder: Path) -> Truth:
    items = [pydicom.dcmread(path, force=True) for path in folder.iterdir() if path.suffix == ".dcm"]
    if len({str(item.SeriesInstanceUID) for item in items}) != 1:
        raise ValueError("no or several series")
    slices = [each for item in items for each in _slices(item)]
    if len({values.shape for values, *_ in slices}) != 1:
        raise ValueError("slices of several sizes")
    _, orientation, spacing, _ = slices[0]
    row, column = orientation[:3], orientation[3:]
    if np.abs([row @ row - 1, column @ column - 1, row @ column]).max() > 0.02 or min(spacing) <= 0:
        raise ValueError("directions that are none, or no spacing")
    normal = np.cross(row, column)
    slices.sort(key=lambda each: float(each[3] @ normal))
    for _, other, distance, _ in slices:
        if np.abs(other - orientation).max() > 0.01 or np.abs(distance - spacing).max() > 0.01:
            raise ValueError("slices that differ in orientation or spacing")
    positions = np.array([position for *_, position in slices])
    steps = np.diff(positions, axis=0)
    if len(steps) and np.abs(steps - steps.mean(axis=0)).max() > 0.15 * np.linalg.norm(steps.mean(axis=0)):
        raise ValueError("slices at uneven distances")
    step = steps.mean(axis=0) if len(steps) else normal * _depth(items[0])
    affine = np.eye(4)
    affine[:3] = np.column_stack([row * spacing[1], column * spacing[0], step, positions[0]])
    return np.stack([values.T for values, *_ in slices], axis=-1), np.diag([-1.0, -1, 1, 1]) @ affine


def _depth(item: pydicom.Dataset) -> float:
    return float(item.get("SpacingBetweenSlices") or item.get("SliceThickness") or 1)


def _slices(item: pydicom.Dataset) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Values ``(rows, columns)``, orientation, spacing and position of each frame of an object."""
    if (item.get("PhotometricInterpretation") or "MONOCHROME2").strip() != "MONOCHROME2" or int(
        item.get("SamplesPerPixel", 1)
    ) != 1:
        raise ValueError("no magnitudes")
    frames = item.get("PerFrameFunctionalGroupsSequence")
    pixels = _pixels(item, len(frames) if frames else 1)
    if not frames:
        slope = 1.0 if item.get("RescaleSlope") in (None, "") else float(item.RescaleSlope)
        return [(_scaled(pixels[0], slope or 1.0, float(item.get("RescaleIntercept") or 0)), *_plane(item, item, item))]
    shared = item.SharedFunctionalGroupsSequence[0]

    def group(frame: pydicom.Dataset, name: str) -> pydicom.Dataset:
        return (frame.get(name) or shared.get(name))[0]

    found = []
    for values, frame in zip(pixels, frames, strict=True):
        scale = group(frame, "PixelValueTransformationSequence")
        parts = (group(frame, f"{name}Sequence") for name in ("PlaneOrientation", "PixelMeasures", "PlanePosition"))
        found.append((_scaled(values, float(scale.RescaleSlope), float(scale.RescaleIntercept)), *_plane(*parts)))
    return found


def _plane(*parts: pydicom.Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    words = ("ImageOrientationPatient", "PixelSpacing", "ImagePositionPatient")
    orientation, spacing, position = (
        np.array(part[word].value, dtype=float) for part, word in zip(parts, words, strict=True)
    )
    if orientation.shape != (6,) or spacing.shape != (2,) or position.shape != (3,):
        raise ValueError("numbers are missing")
    if not all(np.isfinite(values).all() for values in (orientation, spacing, position)):
        raise ValueError("not finite")
    return orientation, spacing, position


def _scaled(values: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    scaled = values.astype(np.float64) * slope + intercept
    if not np.isfinite(scaled).all():
        raise ValueError("not finite")
    return scaled


def _pixels(item: pydicom.Dataset, frames: int) -> np.ndarray:
    """Stored values ``(frames, rows, columns)``."""
    if int(item.get("NumberOfFrames") or 1) != frames or item.HighBit != item.BitsStored - 1:
        raise ValueError("other frames than it says, or bits that do not fit")
    syntax = item.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not syntax.is_deflated:
        pixels = item.pixel_array.reshape(frames, item.Rows, item.Columns)
        size = pixels.dtype.itemsize
    else:
        size = item.BitsAllocated // 8
        kind = f"{'<' if syntax.is_little_endian else '>'}{'i' if item.PixelRepresentation else 'u'}{size}"
        count = frames * item.Rows * item.Columns
        pixels = np.frombuffer(item.PixelData, kind, count).reshape(frames, item.Rows, item.Columns)
    unused = 8 * size - item.BitsStored
    native = pixels.astype(pixels.dtype.newbyteorder("="))
    return (native << unused) >> unused
