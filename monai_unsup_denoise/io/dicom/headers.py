"""What the header of a file says, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom.files import DICOM_SUFFIXES, begins_as_dicom, read_file, read_head

_ELEMENTS = (
    "SOPClassUID SeriesInstanceUID SeriesNumber SeriesDescription Modality Rows NumberOfFrames InstanceNumber "
    "ImageOrientationPatient ImagePositionPatient"
).split()
_STANDARD = "1.2.840.10008"  # the root of the UIDs of DICOM itself
_LARGEST = 2**31 - 1  # of an integer string: DICOM PS3.5, 6.2


@dataclass(frozen=True)
class Header:
    """Of an image, or of a file that should be one."""

    path: Path
    uid: str = ""  # of the series; empty where it is unknown
    number: int = 0
    description: str = ""
    modality: str = ""
    frames: int = 1
    instance: int = 0
    orientation: np.ndarray | None = None
    position: np.ndarray | None = None
    fault: str = ""  # why it cannot be used, and what to do
    is_blank: bool = False  # empty, or begins with zeros only
    is_dicom: bool = True  # False: only its name, like those of the images of its folder, could say that it was to be

    @property
    def kind(self) -> str:
        """Its ending; empty without one, or if it is a number, as at the end of a UID."""
        suffix = self.path.suffix.lower()
        return "" if suffix[1:].isdigit() else suffix

    @property
    def pattern(self) -> str:
        """Its name without its numbers, which the images of a series have in common."""
        return re.sub(r"\d+", "#", self.path.name)


def read_header(path: Path) -> Header | None:
    """The header of a file; None for a file that is neither a DICOM image nor to be one, as far as can be seen."""
    if path.name.upper() == "DICOMDIR":
        return None
    by_name = path.suffix.lower() in DICOM_SUFFIXES
    try:
        head = read_head(path)
    except OSError as error:
        fault = f"cannot be opened ({error.strerror or error}); copy it again"
        return Header(path, fault=fault, is_dicom=by_name)
    if not begins_as_dicom(head):
        is_blank = not head.strip(b"\0")
        fault = "is empty, or begins with zeros only" if is_blank else "is no DICOM file, or damaged"
        return Header(path, fault=f"{fault}; copy it again, or remove it", is_dicom=by_name, is_blank=is_blank)
    try:
        item = read_file(path, stop_before_pixels=True, specific_tags=_ELEMENTS)
        uid, fault = str(item.get("SeriesInstanceUID") or ""), ""
        if "Rows" not in item:
            kinds = [item.get("SOPClassUID"), item.file_meta.get("MediaStorageSOPClassUID")]
            if any(kinds) and all(_is_other(UID(kind)) for kind in kinds if kind):
                return None
            fault = "cut off in its header; copy it again"
        elif not uid:
            fault = "has no SeriesInstanceUID, so that its series is unknown; export it again"
        return Header(
            path,
            uid=uid,
            number=integer_of(item, "SeriesNumber"),
            description=_text_of(item, "SeriesDescription"),
            modality=_text_of(item, "Modality"),
            frames=integer_of(item, "NumberOfFrames") or 1,
            instance=integer_of(item, "InstanceNumber"),
            orientation=numbers_of(item, "ImageOrientationPatient", 6),
            position=numbers_of(item, "ImagePositionPatient", 3),
            fault=fault,
        )
    except InputError as error:
        return Header(path, fault=str(error).removeprefix(f"{path}: "))
    except Exception:  # damage raises errors of every kind
        return Header(path, fault="its header cannot be read, it is damaged; copy it again")


def _is_other(sop_class: UID) -> bool:
    """Whether a class holds no images (a report, a presentation, raw data, an index); not if it was cut off."""
    if sop_class.name != sop_class:
        return "Image" not in sop_class.name
    if sop_class and not sop_class.is_valid:
        return False
    return not sop_class.startswith(_STANDARD) and not _STANDARD.startswith(sop_class)


def numbers_of(header: Dataset, keyword: str, count: int = 1) -> np.ndarray | None:
    """The ``count`` numbers of an element, float64; None where it is missing or malformed."""
    try:
        numbers = np.atleast_1d(np.asarray(header.get(keyword), dtype=float))
    except Exception:  # damage raises errors of every kind
        return None
    return numbers if numbers.shape == (count,) and np.isfinite(numbers).all() else None


def integer_of(header: Dataset, keyword: str) -> int:
    """The number of an element; 0 where it is missing or malformed."""
    numbers = numbers_of(header, keyword)
    return 0 if numbers is None or abs(numbers[0]) > _LARGEST else int(numbers[0])


def _text_of(header: Dataset, keyword: str) -> str:
    """The text of an element, of one line."""
    return "".join(letter if letter.isprintable() else " " for letter in str(header.get(keyword) or ""))
