"""Fields of NIfTI, MGH, NRRD and MetaImage headers set to extremes, doubled, missing or wrong."""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import numpy as np

from tests.reliability.damage_bytes import Damage, Rule

_INTEGERS = [0, 1, -1, 2, 3, 7, 8, 16, 17, 18, 64, 128, 512, 1000, 4096, 32767, -32768]
_NUMBERS = [0, 1, -1, 2, 1e-45, 1e-6, 1e6, 352, 1e20, 3.4e38, -3.4e38, np.nan, np.inf, -np.inf]
#: Offset and type of the fields of NIfTI-1 and NIfTI-2.
_NIFTI_1 = [(0, "i"), (40, "h"), (70, "h"), (72, "h"), (108, "f"), (112, "f"), (116, "f"), (252, "h"), (254, "h")]
_NIFTI_1 += [(40 + 2 * axis, "h") for axis in range(1, 8)] + [(76 + 4 * axis, "f") for axis in range(8)]
_NIFTI_1 += [(256 + 4 * number, "f") for number in range(18)] + [(344, "i"), (348, "i"), (123, "b")]
_NIFTI_2 = [(0, "i"), (12, "h"), (14, "h"), (16, "q"), (168, "q"), (176, "d"), (184, "d"), (344, "i"), (348, "i")]
_NIFTI_2 += [(16 + 8 * axis, "q") for axis in range(1, 8)] + [(104 + 8 * axis, "d") for axis in range(8)]
_NIFTI_2 += [(352 + 8 * number, "d") for number in range(18)] + [(4, "i"), (540, "i")]
_MGH = [(4 * number, ">i") for number in range(7)] + [(28, ">h")] + [(30 + 4 * number, ">f") for number in range(15)]


def _set_fields(rng: np.random.Generator, path: Path, fields: list[tuple[int, str]]) -> Rule:
    file = path.with_suffix(".hdr") if path.suffix == ".img" else path
    content = file.read_bytes()
    is_gzip = content[:2] == b"\x1f\x8b"
    header = bytearray(gzip.decompress(content) if is_gzip else content)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        place, kind = fields[rng.integers(len(fields))]
        place = min(place, len(header) - 8)  # a pair's header ends with its last field
        value = rng.choice(_NUMBERS if kind[-1] in "fd" else _INTEGERS)
        if kind[-1] in "iq" and rng.random() < 0.3:
            value = rng.choice([2**31 - 1, -(2**31), 65536, 10**6])
        if kind[-1] == "q" and rng.random() < 0.2:
            value = rng.choice(np.array([2**62, -(2**63), 2**40]))
        value = float(value) if kind[-1] in "fd" else int(value)
        struct.pack_into(kind, header, place, value if kind != "b" else value % 128)
    file.write_bytes(gzip.compress(header, 1, mtime=0) if is_gzip else header)
    return "either"


def set_nifti_fields(rng: np.random.Generator, path: Path) -> Rule:
    """Dimensions, type, offset, scaling, voxel size, qform, sform."""
    content = path.read_bytes()
    content = gzip.decompress(content) if path.name.endswith(".gz") else content
    return _set_fields(rng, path, _NIFTI_2 if content[4:7] == b"n+2" else _NIFTI_1)


def set_mgh_fields(rng: np.random.Generator, path: Path) -> Rule:
    """Version, dimensions, type, orientation."""
    return _set_fields(rng, path, _MGH)


def put_bad_voxels(rng: np.random.Generator, path: Path) -> Rule:
    """One voxel of NaN or infinity, in a file of float32; little-endian, or big-endian in MGH."""
    content = path.read_bytes()
    is_gzip = content[:2] == b"\x1f\x8b"
    content = bytearray(gzip.decompress(content) if is_gzip else content)
    is_mgh = ".mg" in path.name
    start = 284 if is_mgh else 352
    place = start + 4 * rng.integers((len(content) - start) // 4 - 20)
    struct.pack_into(">f" if is_mgh else "<f", content, place, rng.choice([np.nan, np.inf, -np.inf]))
    path.write_bytes(gzip.compress(content, 1, mtime=0) if is_gzip else content)
    return "refused"


_VALUES = [
    *("", "0", "1", "-1", "2", "3", "4", "1e9", "nan", "inf", "999999999999", "18446744073709551616", "abc", "1 2"),
    *("18 17 0", "18 17 4000000", "18 17 -4", "17 18 4", "18 17 5", "36 17 4", "18 17", "18 17 4 1", "18 17 4 2"),
    *("(nan,0,0) (0,1,0) (0,0,1)", "(0,0,0) (0,0,0) (0,0,0)", "(1,0,0) (0,1,0)", "none", "(1e300,0,0)", "(1,2", "(,,)"),
    *("float", "double", "MET_FLOAT", "MET_DOUBLE", "MET_UCHAR", "unsigned char", "block", "MET_NONE", "char"),
    *("raw", "gzip", "bzip2", "hex", "ascii", "zrl", "True", "False", "big", "little", "left-posterior-superior"),
    *("scanner-xyz", "3D-right-handed", "right-anterior-superior", "1 0 0 0 1 0 0 0 1", "1 0 0 0 1 0 0 0 0", "0 0 0"),
    *("1,3 0,8 3", "1.3mm 0.8mm 3mm", "nan nan nan", "-1.3 0.8 3", "x" * 5000, "\xff\xfe", "$HOME", "%s%n"),
]
_OTHER_FILES = [
    *("/etc/passwd", "../scan.raw", "../../../../etc/passwd", "~/scan.raw", "missing.raw", "LIST", "LIST 2\nscan.raw"),
    *("scan%d.raw 1 4 1", "%s", "-", "", ".", "C:\\scan.raw", "sub\\..\\..\\x.raw", "LIST\n/etc/passwd", "/dev/zero"),
    *("LOCAL", "file:///etc/passwd", "scan.nhdr", "scan.mhd", "./../in/../../x"),
]


def change_text_header(rng: np.random.Generator, path: Path) -> Rule:
    """Drop, double, exchange or rename lines of an NRRD or MetaImage header, or change their values."""
    content = path.read_bytes()
    is_nrrd = path.name.endswith((".nrrd", ".nhdr"))
    end = content.find(b"\n\n") + 1 if is_nrrd else content.find(b"ElementDataFile")
    end = len(content) if end <= 0 else end
    lines = content[:end].decode("latin-1").splitlines()
    mark = ":" if is_nrrd else "="
    for _ in range(rng.choice([1, 1, 1, 2])):
        place = int(rng.integers(len(lines)))
        key, _, value = lines[place].partition(mark)
        what = rng.integers(9)
        if what == 0:
            del lines[place]
        elif what == 1:
            lines.insert(int(rng.integers(len(lines) + 1)), lines[place])
        elif what == 2:
            lines.insert(place + int(rng.integers(2)), f"{key}{mark} {rng.choice(_VALUES)}")
        elif what == 3:
            other = int(rng.integers(len(lines)))
            lines[place], lines[other] = lines[other], lines[place]
        elif what == 4:
            lines[place] = f"{key[1:].swapcase()}x{mark}{value}"
        elif what == 5 and value.split():
            words = value.split()
            words[rng.integers(len(words))] = str(rng.choice(_VALUES))
            lines[place] = f"{key}{mark} {' '.join(words)}"
        else:
            lines[place] = f"{key}{mark} {rng.choice(_VALUES)}"
        if not lines:
            break
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1", "replace") + content[end:])
    return "either"


def name_other_files(rng: np.random.Generator, path: Path) -> Rule:
    """A header whose voxels are in another file: outside its folder, missing, a device, itself."""
    content = path.read_bytes()
    named = str(rng.choice(_OTHER_FILES)).encode()
    if path.name.endswith((".nrrd", ".nhdr")):
        header = b"\n".join(line for line in content.split(b"\n\n")[0].splitlines() if not line.startswith(b"data"))
        path.write_bytes(header + b"\ndata file: " + named + b"\n\n")
    else:
        path.write_bytes(content[: content.find(b"ElementDataFile")] + b"ElementDataFile = " + named + b"\n")
    return "refused"


def rewrite_text_header(rng: np.random.Generator, path: Path) -> Rule:
    """A comment, a key of the user's own, other spaces: no damage."""
    content = path.read_bytes()
    if path.name.endswith((".nrrd", ".nhdr")):
        first, _, rest = content.partition(b"\n")
        added = [b"# a comment\n", b"my key:=my value\n", b"# \xb5m\n"][rng.integers(3)]
        path.write_bytes(first + b"\n" + added + rest)
    else:
        mark = b" = " if rng.random() < 0.5 else b"   =  "
        start, data, rest = content.partition(b"ElementDataFile")
        path.write_bytes(start.replace(b" = ", mark) + b"Modality" + mark + b"MET_MOD_MR\n" + data + rest)
    return "read"


assert sys.byteorder == "little", "the fields of NIfTI files are packed in the byte order of this machine"
FIELDS: dict[str, Damage] = {"fields of NIfTI": set_nifti_fields}
MGH_FIELDS: dict[str, Damage] = {"fields of MGH": set_mgh_fields}
VALUES: dict[str, Damage] = {"voxels not finite": put_bad_voxels}
TEXT: dict[str, Damage] = {
    "fields of text headers": change_text_header,
    "other files named": name_other_files,
    "text header rewritten": rewrite_text_header,
}
