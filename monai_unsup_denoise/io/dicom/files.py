"""Recognise and open DICOM files, with any name, with or without a preamble."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pydicom
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import VR

from monai_unsup_denoise.errors import InputError

#: Endings of DICOM alone; others (.mr, .img, none) say nothing, so that the content decides.
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_VRS = {vr.value.encode() for vr in VR if len(vr.value) == 2}


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by its ending (.dcm, .dicom, .ima) or else by its content; not the index DICOMDIR."""
    if path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in DICOM_SUFFIXES:
        return True
    try:
        return begins_as_dicom(read_head(path))
    except OSError:
        return False


def read_head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        OSError: if it cannot be opened, or is no regular file (a pipe would block).
    """
    if path.exists() and not path.is_file():
        raise OSError("no regular file")
    with path.open("rb") as file:
        return file.read(256)


def begins_as_dicom(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is DICOM: by its mark, or without preamble by its first element.

    DICOM PS3.10, 7.1 (preamble) and PS3.5, 7.1 (elements); a file without preamble begins in group 2 or 8.
    """
    if head[128:132] == b"DICM":
        return True
    order: Literal["big", "little"] = "big" if head[:2] == b"\x00\x08" else "little"
    group, element = (int.from_bytes(head[start : start + 2], order) for start in (0, 2))
    if group not in (0x0002, 0x0008) or element > 0x0018:
        return False
    if head[4:6] in _VRS:
        return True
    length = int.from_bytes(head[4:8], "little")  # of an element without VR: the group length and 0001 hold 4 bytes
    if order == "big" or not 0 < length <= 128 or length % 2:
        return False
    text = head[8 : 8 + length].rstrip(b"\0")
    return length == 4 if element < 2 else text.isascii() and text.decode().isprintable() and bool(text)


def largest(size: int) -> int:
    """The most bytes that ``size`` compressed bytes may claim to be: no MR image compresses 64 times, bombs do."""
    return max(2**26, 64 * size)


def read_file(path: Path, **options: Any) -> Dataset:
    """``pydicom.dcmread`` that needs no preamble; a file that does not name its transfer syntax gets it.

    Raises:
        InputError: if it is deflated, and is cut off or inflates to more than `largest`.
        Exception: of any kind, if it is damaged.
    """
    with path.open("rb") as file:
        item = pydicom.dcmread(_inflated(file, path), force=True, **options)
    if "TransferSyntaxUID" not in item.file_meta:
        if hasattr(item, "original_encoding"):
            implicit, little = item.original_encoding
        else:  # pydicom 2
            implicit, little = item.is_implicit_VR, item.is_little_endian
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return item


def _inflated(file: BinaryIO, path: Path) -> BinaryIO:
    """``file``; the dataset of a deflated one, which pydicom would inflate without a limit. DICOM PS3.5, A.5."""
    read_preamble(file, force=True)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 2)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        file.seek(0)
        return file
    content, inflater = file.read(), zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(content, largest(len(content)))
    if not inflater.eof:
        raise InputError(
            f"{path}: its deflated content is cut off, or inflates more than 64 times, as no image does; copy it "
            "again, or export it uncompressed"
        )
    return BytesIO(inflated)
