"""The DICOM series of a folder, and the choice of one."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from monai_unsup_denoise.errors import InputError

_ELEMENTS = (
    "SeriesInstanceUID SeriesNumber SeriesDescription Modality Rows NumberOfFrames InstanceNumber "
    "ImageOrientationPatient ImagePositionPatient"
).split()
_UID = r"\d+(\.\d+)+"  # of at most 64 characters: DICOM PS3.5, 9.1
_LARGEST = 2**31 - 1  # of an integer string: DICOM PS3.5, 6.2


@dataclass(frozen=True)
class DicomSeries:
    """An image series; ``files`` is sorted along the normal of the slices."""

    uid: str
    number: int  # 0 where there is none
    description: str
    modality: str
    files: tuple[Path, ...]
    frames: int = 1  # the most of a file; more than one is an enhanced (multi-frame) object

    def __str__(self) -> str:
        description = self.description or "no description"
        return f"number {self.number}: {description}, {self.modality}, {len(self.files)} files, UID {self.uid}"


def find_series(folder: str | Path, *, below: bool = True) -> list[DicomSeries]:
    """The image series in ``folder`` (or of a file), and in the folders below it if ``below``.

    Sorted by number, then by UID. Files that are not DICOM, or not images, are ignored.

    Raises:
        InputError: if the folder does not exist.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder; check the path")
    by_uid: dict[str, list[tuple[Path, Dataset]]] = {}
    with disable_value_validation():  # it would print invalid values, patient names among them
        for path in _files(folder, below=below):
            header = _image_header(path)
            if header is not None:
                by_uid.setdefault(str(header.SeriesInstanceUID), []).append((path, header))
        return sorted((_series(uid, items) for uid, items in by_uid.items()), key=lambda s: (s.number, s.uid))


def choose_series(series: Sequence[DicomSeries], wanted: str | None, *, folder: str | Path) -> DicomSeries:
    """The series whose UID or number is ``wanted``; for None, the only one.

    Raises:
        InputError: if there is no such series, or there are several; it lists all.
    """
    if not series:
        raise InputError(f"{folder}: no DICOM image series in this folder; give the folder of one")
    found = [s for s in series if wanted is None or wanted in (s.uid, str(s.number))]
    if len(found) == 1:
        return found[0]
    listed = "".join(f"\n  {s}" for s in series)
    if not found:
        raise InputError(f"{folder}: no DICOM series {wanted!r}; give the number or the UID of one of these:{listed}")
    raise InputError(f"{folder}: {len(found)} DICOM series; choose one by number or UID with --series:{listed}")


def folder_name(series: DicomSeries, others: Sequence[DicomSeries]) -> str:
    """Name of the folder of a series: by its number, or by its UID where another of ``others`` has that number.

    Letters, digits, dots and hyphens only, and no two dots in a row, whatever the header holds: a UID that is none is
    replaced by its hash. Different series get different names.
    """
    if [other.number for other in others].count(series.number) == 1:
        return f"series-{series.number}"
    if re.fullmatch(_UID, series.uid, re.ASCII) and len(series.uid) <= 64:
        return f"series-{series.uid}"
    return f"series-uid-{hashlib.sha256(series.uid.encode(errors='surrogatepass')).hexdigest()[:32]}"


def _files(folder: Path, *, below: bool) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if below and not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def _image_header(path: Path) -> Dataset | None:
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_ELEMENTS)
    except (InvalidDicomError, OSError, EOFError):
        return None
    return header if "SeriesInstanceUID" in header and "Rows" in header else None


def _series(uid: str, items: list[tuple[Path, Dataset]]) -> DicomSeries:
    first = items[0][1]
    orientation = numbers_of(first, "ImageOrientationPatient", 6)
    items = sorted(items, key=lambda item: (_position(item[1], orientation), str(item[0])))
    return DicomSeries(
        uid=uid,
        number=integer_of(first, "SeriesNumber"),
        description=str(first.get("SeriesDescription") or ""),
        modality=str(first.get("Modality") or ""),
        files=tuple(path for path, _ in items),
        frames=max(integer_of(header, "NumberOfFrames") or 1 for _, header in items),
    )


def numbers_of(header: Dataset, keyword: str, count: int = 1) -> np.ndarray | None:
    """The ``count`` numbers of an element, float64; None where it is missing or malformed."""
    try:
        numbers = np.atleast_1d(np.asarray(header.get(keyword), dtype=float))
    except (TypeError, ValueError):
        return None
    return numbers if numbers.shape == (count,) and np.isfinite(numbers).all() else None


def integer_of(header: Dataset, keyword: str) -> int:
    """The number of an element; 0 where it is missing or malformed."""
    numbers = numbers_of(header, keyword)
    return 0 if numbers is None or abs(numbers[0]) > _LARGEST else int(numbers[0])


def _position(header: Dataset, orientation: np.ndarray | None) -> float:
    """Position along the normal of the slices, mm; where it is unknown, the instance number."""
    position = numbers_of(header, "ImagePositionPatient", 3)
    if orientation is None or position is None:
        return float(integer_of(header, "InstanceNumber"))
    return float(position @ np.cross(orientation[:3], orientation[3:]))
