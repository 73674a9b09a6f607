"""DICOM elements removed, doubled, retyped, of wrong length, nested; slices lost, doubled, mixed up."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.config import disable_value_validation

from tests.io.dicom.synthetic import save
from tests.reliability.damage_bytes import Damage, Rule, files_of

_WORDS = (
    "SOPClassUID SOPInstanceUID SeriesInstanceUID StudyInstanceUID Rows Columns BitsAllocated BitsStored HighBit "
    "PixelRepresentation SamplesPerPixel PhotometricInterpretation PixelData ImagePositionPatient "
    "ImageOrientationPatient PixelSpacing SliceThickness InstanceNumber SeriesNumber Modality ImageType PatientName "
    "SpecificCharacterSet LargestImagePixelValue SmallestImagePixelValue NumberOfFrames RescaleSlope RescaleIntercept "
    "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence"
).split()
_VRS = [b"AE", b"AT", b"CS", b"DS", b"FD", b"IS", b"LO", b"OB", b"OW", b"PN", b"SQ", b"SS", b"UI", b"UL", b"UN", b"US"]
_TEXTS = [
    "",
    "abc",
    "0",
    "-1",
    "1e99",
    "nan",
    "inf",
    "2",
    "1\\2",
    "1\\0\\0\\0\\1\\0",
    "0\\0\\0",
    "1\\1\\0\\1\\1\\0",
    "x" * 70,
]
_INTEGERS = [0, 1, 2, 3, 7, 8, 12, 15, 16, 17, 31, 32, 64, 65535, 16384]
_SYNTAXES = [
    *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2", "", "abc"),
    *("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.3.4"),
]


def _chosen(rng: np.random.Generator, path: Path) -> list[Path]:
    """One slice, or every one."""
    files = files_of(path)
    return files if rng.random() < 0.4 else [files[rng.integers(len(files))]]


def change_elements(rng: np.random.Generator, path: Path) -> Rule:
    """Remove elements, empty them, or give them other values."""
    state = rng.integers(2**31)
    for file in _chosen(rng, path):
        rng = np.random.default_rng(state)  # the same in every slice
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            item = pydicom.dcmread(file)
            before = file.read_bytes()
            for word in rng.choice([w for w in _WORDS if w in item], size=rng.choice([1, 1, 2])):
                _change(rng, item, str(word))
            if rng.random() < 0.2:
                _change_anywhere(rng, item)
            try:
                save(item, file)
            except Exception:  # pydicom writes no such file
                file.write_bytes(before[: rng.integers(132, len(before))])
    return "either"


def _change(rng: np.random.Generator, item: pydicom.Dataset, word: str) -> None:
    if word not in item or rng.random() < 0.25:
        item.pop(pydicom.datadict.tag_for_keyword(word), None)
        return
    element = item[word]
    if element.VR in ("US", "SS", "UL"):
        element.value = int(rng.choice(_INTEGERS))
    elif element.VR == "SQ":
        element.value = element.value[: rng.integers(len(element.value) + 1)]
    elif element.VR in ("OB", "OW", "OB or OW"):
        element.value = element.value[: 2 * rng.integers(len(element.value) // 2)]
    elif element.VR in ("DS", "IS") and rng.random() < 0.5:
        numbers = [float(n) for n in np.atleast_1d(element.value if element.value is not None else 0)]
        numbers[rng.integers(len(numbers))] *= rng.choice([0, -1, 2, 1e6])
        element.value = [int(n) if element.VR == "IS" else f"{n:.8g}"[:16] for n in numbers]
    else:
        element._value = str(rng.choice(_TEXTS)) if element.VR not in ("DS", "IS") else ""
        if element.VR in ("DS", "IS"):
            item[word] = pydicom.DataElement(element.tag, "LO", str(rng.choice(_TEXTS)))
            item[word].VR = "LO"


def _change_anywhere(rng: np.random.Generator, item: pydicom.Dataset) -> None:
    """An element within a sequence, or one that belongs to other kinds of images."""
    what = rng.integers(4)
    if what == 0:
        item.PhotometricInterpretation = str(rng.choice(["MONOCHROME1", "RGB", "PALETTE COLOR", "YBR_FULL"]))
    elif what == 1:
        item.RescaleSlope, item.RescaleIntercept = str(rng.choice(["0", "2", "1e38", "-1"])), "5"
    elif what == 2:
        item.NumberOfFrames = int(rng.choice([0, 2, 5, 10**9]))
    elif "PerFrameFunctionalGroupsSequence" in item:
        frames = item.PerFrameFunctionalGroupsSequence
        frame = frames[rng.integers(len(frames))] if len(frames) else pydicom.Dataset()
        groups = [element for element in frame if element.VR == "SQ"]
        if groups:
            part = groups[rng.integers(len(groups))].value[0]
            _change(rng, part, rng.choice([element.keyword for element in part]))


def change_raw_elements(rng: np.random.Generator, path: Path) -> Rule:
    """Change the VR or the length of an element in the file, or write it twice."""
    state = rng.integers(2**31)
    for file in _chosen(rng, path):
        rng = np.random.default_rng(state)
        content = file.read_bytes()
        tags = [pydicom.datadict.tag_for_keyword(word) for word in _WORDS]
        marks = [int(tag >> 16).to_bytes(2, "little") + int(tag & 0xFFFF).to_bytes(2, "little") for tag in tags]
        places = [place for mark in marks if (place := content.find(mark, 132)) > 0]
        if not places:
            continue
        place = places[rng.integers(len(places))]
        what = rng.integers(4)
        if what == 0:
            changed = content[: place + 4] + rng.choice(_VRS) + content[place + 6 :]
        elif what == 1:
            length = int(rng.choice([0, 1, 3, 7, 200, 65535])).to_bytes(2, "little")
            changed = content[: place + 6] + length + content[place + 8 :]
        elif what == 2:
            length = int(rng.choice([0, 1, 2**31, 2**32 - 1, 2**32 - 2])).to_bytes(4, "little")
            changed = content[: place + 8] + length + content[place + 12 :]
        else:
            end = place + int(rng.integers(8, 40))
            changed = content[:end] + content[place:]
        file.write_bytes(changed)
    return "either"


def nest_sequences(rng: np.random.Generator, path: Path) -> Rule:
    """Hundreds or thousands of sequences within each other, behind the header."""
    file = files_of(path)[0]
    depth = int(rng.choice([3, 200, 1100, 5000]))
    start = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    content = file.read_bytes()
    place = content.find(b"\x08\x00\x60\x00CS")  # the modality
    place = place if place > 0 else len(content)
    file.write_bytes(content[:place] + start * depth + end * int(depth * rng.choice([0, 0.5, 1])) + content[place:])
    return "either"


def change_syntax(rng: np.random.Generator, path: Path) -> Rule:
    """Another transfer syntax in the file's head than its content has; no preamble; no head at all."""
    for file in _chosen(rng, path):
        content = file.read_bytes()
        head = content.find(b"\x02\x00\x10\x00UI")
        size = int.from_bytes(content[head + 6 : head + 8], "little")
        syntax = str(rng.choice(_SYNTAXES)).encode()
        syntax += b"\0" * (len(syntax) % 2)
        what = rng.integers(4)
        if what < 3:
            new = content[: head + 6] + len(syntax).to_bytes(2, "little") + syntax + content[head + 8 + size :]
        else:
            new = content[132:]
        file.write_bytes(new)
    return "either"


def change_folder(rng: np.random.Generator, path: Path) -> Rule:
    """Lose a slice, have one twice, mix two series."""
    files = files_of(path)
    file = files[rng.integers(len(files))]
    what = rng.integers(4)
    if what == 0 and len(files) > 1:
        file.unlink()
        return "refused" if file in files[1:-1] else "either"
    if what == 1 and len(files) > 1:
        shutil.copy(file, path / "copy.dcm")
        return "refused"
    if what == 2:
        (path / "empty.dcm").touch()
        return "refused"
    item = pydicom.dcmread(file)
    item.SeriesInstanceUID = "1.2.3"
    save(item, path / "other.dcm")
    return "refused"


def add_harmless_files(rng: np.random.Generator, path: Path) -> Rule:
    """Notes, thumbnails and hidden files beside the slices, and slices renamed: no damage."""
    (path / "README").write_text("scanned in the afternoon")
    (path / ".DS_Store").write_bytes(rng.bytes(100))
    (path / "notes.txt").write_text("x")
    files = [file for file in files_of(path) if file.suffix == ".dcm"]
    for name, file in zip(rng.permutation(len(files)), files, strict=True):
        file.rename(path / f"renamed{name}.dcm")
    return "read"


DICOM: dict[str, Damage] = {
    "DICOM elements changed": change_elements,
    "DICOM elements retyped, of wrong length, doubled": change_raw_elements,
    "DICOM sequences nested": nest_sequences,
    "DICOM transfer syntax changed": change_syntax,
    "DICOM slices lost, doubled, mixed": change_folder,
    "DICOM harmless files beside": add_harmless_files,
}
