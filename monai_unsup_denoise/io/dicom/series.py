"""The DICOM series of a folder, and the choice of one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.config import disable_value_validation

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.headers import Header, read_header
from monai_unsup_denoise.io.folders import walk_folders

_UID = r"\d+(\.\d+)+"  # of at most 64 characters: DICOM PS3.5, 9.1


@dataclass(frozen=True)
class DicomSeries:
    """An image series; ``files`` is sorted along the normal of the slices."""

    uid: str
    number: int  # 0 where there is none
    description: str
    modality: str
    files: tuple[Path, ...]
    frames: int = 1  # the most of a file; more than one in an enhanced multi-frame file
    fault: str = ""  # in one line, why it must not be read: a file that is, or may be, one of its slices is damaged

    def __str__(self) -> str:
        description = self.description or "no description"
        uid = "".join(filter(str.isprintable, self.uid))
        fault = f"; damaged: {self.fault}" if self.fault else ""
        count = f"{len(self.files)} file{'s' * (len(self.files) != 1)}"
        count += f" of {self.frames} frames" if self.frames > 1 else ""
        return f"number {self.number}: {description}, {self.modality}, {count}, UID {uid}{fault}"


def find_series(folder: str | Path, *, below: bool = True) -> list[DicomSeries]:
    """The image series in ``folder`` (or of a file), and in the folders below it if ``below``.

    Sorted by number, then by UID. Files that are not DICOM, or not images, are ignored. A damaged file, whose series is
    not known, is a fault of every series of its folder, or a series of its own where there is none.

    Raises:
        InputError: if the folder does not exist.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder; check the path")
    by_uid: dict[str, list[Header]] = {}
    with disable_value_validation():  # it would print invalid values, patient names among them
        headers = [header for path in _files(folder, below=below) if (header := read_header(path)) is not None]
    good = [header for header in headers if not header.fault]
    uids = {header.uid for header in good}
    alike = {(header.path.parent, name) for header in good for name in (header.kind, header.pattern)}
    strays: dict[Path, Header] = {}  # by folder, the first damaged file of an unknown series
    for header in headers:
        if header.uid in uids:  # that of a damaged file alone may be cut off
            by_uid.setdefault(header.uid, []).append(header)
        elif header.is_dicom or alike & {(header.path.parent, name) for name in _names(header)}:
            strays.setdefault(header.path.parent, header)
    series = [_series(uid, items, strays) for uid, items in by_uid.items()]
    used = {path.parent for each in series for path in each.files}
    series += [_series("", [stray], {}) for folder, stray in strays.items() if folder not in used]
    return sorted(series, key=lambda s: (s.number, s.uid))


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
        raise InputError(f"{folder}: no DICOM series whose number or UID is {wanted!r}; choose one of these:{listed}")
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


def _names(stray: Header) -> list[str]:
    """By what a damaged file resembles images: its ending; without one, its name, since a README has none, too."""
    return [stray.kind, stray.pattern] if stray.kind or stray.is_blank else [stray.pattern]


def _files(folder: Path, *, below: bool) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    for _, files in walk_folders(folder):
        yield from files
        if not below:
            return


def _series(uid: str, headers: list[Header], strays: Mapping[Path, Header]) -> DicomSeries:
    first = min(headers, key=lambda header: bool(header.fault))
    headers = sorted(headers, key=lambda header: (_position(header, first.orientation), str(header.path)))
    damaged = [header for header in headers if header.fault]
    damaged += [strays[folder] for folder in {header.path.parent for header in headers} if folder in strays]
    return DicomSeries(
        uid=uid,
        number=first.number,
        description=first.description,
        modality=first.modality,
        files=tuple(header.path for header in headers),
        frames=max(header.frames for header in headers),
        fault=f"{damaged[0].path}: {damaged[0].fault}" if damaged else "",
    )


def _position(header: Header, orientation: np.ndarray | None) -> float:
    """Position along the normal of the slices, mm; where it is unknown, the instance number."""
    if orientation is None or header.position is None:
        return float(header.instance)
    return float(header.position @ np.cross(orientation[:3], orientation[3:]))
