"""What a file says, by short parsers of our own: independent of the readers under test, and strict.

Each returns the voxels ``(X, Y, Z, ...)`` and the affine, right-anterior-superior in mm (None where it does not say),
or raises an exception of any kind where the file breaks its format's rules.
"""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path

import numpy as np

Truth = tuple[np.ndarray, "np.ndarray | None"]

_NIFTI_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
_MGH_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2"}
_NAMED_TYPES = {
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_META_TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_SPACES = {
    **dict.fromkeys(("left-posterior-superior", "lps"), (-1, -1, 1)),
    **dict.fromkeys(("right-anterior-superior", "ras"), (1, 1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las"), (-1, 1, 1)),
}


def read_file(path: Path) -> Truth:
    """A volume in a file."""
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz", ".img")):
        content = path.read_bytes()
        if name.endswith(".gz"):
            content = gzip.decompress(content)
        header = path.with_suffix(".hdr").read_bytes() if name.endswith(".img") else content
        return _nifti(header, content, is_pair=name.endswith(".img"))
    if name.endswith((".mgh", ".mgz")):
        return _mgh(gzip.decompress(path.read_bytes()) if name.endswith(".mgz") else path.read_bytes())
    return _nrrd(path) if name.endswith((".nrrd", ".nhdr")) else _metaimage(path)


def _shaped(content: bytes, kind: str, shape: list[int]) -> np.ndarray:
    """Voxels in Fortran order; axes of one voxel behind the third are dropped."""
    if not shape or min(shape) < 1:
        raise ValueError("axes without voxels")
    count = int(np.prod(shape, dtype=object))
    if count * np.dtype(kind).itemsize > len(content):
        raise ValueError("cut off")
    values = np.frombuffer(content, kind, count).astype(np.float64).reshape(shape, order="F")
    if not np.isfinite(values).all():
        raise ValueError("not finite")
    return values.reshape([*shape[:3], *(n for n in shape[3:] if n > 1)], order="F")


def _nifti(header: bytes, content: bytes, *, is_pair: bool) -> Truth:
    two = header[4:8] in (b"n+2\0", b"ni2\0")
    dims, kinds, floats, codes = (16, 12, "d", "i") if two else (40, 70, "f", "h")
    order = next(e for e in "<>" if 1 <= struct.unpack_from(f"{e}{'q' if two else 'h'}", header, dims)[0] <= 7)
    axes, *shape = struct.unpack_from(f"{order}8{'q' if two else 'h'}", header, dims)
    [kind] = struct.unpack_from(f"{order}h", header, kinds)
    pixdim = struct.unpack_from(f"{order}8{floats}", header, 104 if two else 76)
    [offset] = struct.unpack_from(f"{order}{'q' if two else 'f'}", header, 168 if two else 108)
    slope, inter = struct.unpack_from(f"{order}2{floats}", header, 176 if two else 112)
    magic = header[4:8] if two else header[344:348]
    if not is_pair and (magic[:2] != b"n+" or offset < (544 if two else 352)):
        raise ValueError("no single file, or voxels inside its header")
    values = _shaped(content[int(offset) :], order + _NIFTI_TYPES[kind], [*shape[:3], *(n or 1 for n in shape[3:axes])])
    if not two and magic not in (b"n+1\0", b"ni1\0"):  # Analyze has no affine
        return values * _spm_scale(header, order) + _spm_shift(header, order), None
    if np.isfinite(slope) and slope != 0:
        if not np.isfinite(inter):
            raise ValueError("its intercept is not finite")
        values = values * slope + inter
    qform, sform = struct.unpack_from(f"{order}2{codes}", header, 344 if two else 252)
    numbers = struct.unpack_from(f"{order}18{floats}", header, 352 if two else 256)
    affine = np.eye(4)
    if sform > 0:
        affine[:3] = np.reshape(numbers[6:], (3, 4))
    elif qform > 0 and min(pixdim[1:4]) > 0:
        affine[:3] = _from_quaternion(numbers[:3], numbers[3:6], pixdim)
    else:
        return values, None
    if not np.isfinite(affine).all():
        raise ValueError("no finite orientation")
    return values, affine


def _spm_scale(header: bytes, order: str) -> float:
    """Slope of an Analyze header, as SPM2 reads it (spm_vol_ana.m)."""
    [slope] = struct.unpack_from(f"{order}f", header, 112)
    if np.isfinite(slope) and slope != 0:
        return slope
    (high, low), (most, least) = (
        struct.unpack_from(f"{order}2f", header, 124),
        struct.unpack_from(f"{order}2i", header, 140),
    )
    return (high - low) / (most - least) if high > low and most > least else 1.0


def _spm_shift(header: bytes, order: str) -> float:
    slope, inter = struct.unpack_from(f"{order}2f", header, 112)
    if np.isfinite(slope) and slope != 0:
        return inter if np.isfinite(inter) else 0.0
    (high, low), (most, least) = (
        struct.unpack_from(f"{order}2f", header, 124),
        struct.unpack_from(f"{order}2i", header, 140),
    )
    return low - _spm_scale(header, order) * least if high > low and most > least else 0.0


def _from_quaternion(bcd: tuple, offset: tuple, pixdim: tuple) -> np.ndarray:
    """Of the NIfTI-1 standard, method 2."""
    b, c, d = bcd
    rest = 1 - b * b - c * c - d * d
    if rest < -1e-5:
        raise ValueError("no unit quaternion")
    a = np.sqrt(max(0.0, rest))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = np.array([pixdim[1], pixdim[2], pixdim[3] * (-1 if pixdim[0] == -1 else 1)])
    return np.column_stack([rotation * scale, offset])


def _mgh(content: bytes) -> Truth:
    version, *shape, kind, _ = struct.unpack_from(">7i", content)
    [good] = struct.unpack_from(">h", content, 28)
    if version != 1:
        raise ValueError("no MGH file")
    values = _shaped(content[284:], _MGH_TYPES[kind], list(shape))
    if good < 1:
        return values, None
    numbers = np.array(struct.unpack_from(">15f", content, 30), dtype=np.float64)
    matrix = numbers[3:12].reshape(3, 3).T * numbers[:3]
    affine = np.eye(4)
    affine[:3] = np.column_stack([matrix, numbers[12:] - matrix @ (np.array(shape[:3]) / 2)])
    if not np.isfinite(affine).all():
        raise ValueError("no finite orientation")
    return values, affine


def _nrrd(path: Path) -> Truth:
    header, *rest = re.split(rb"\r?\n\r?\n", path.read_bytes(), maxsplit=1)
    magic, *lines = header.decode("latin-1").replace("\r", "").strip("\n").split("\n")
    if not re.fullmatch(r"NRRD000[1-5]", magic):
        raise ValueError("no NRRD file")
    pairs = [line.split(":", 1) for line in lines if not line.startswith("#") and ":=" not in line]
    field = {re.sub(r"\s", "", key).lower(): value.strip() for key, value in pairs}
    if len(field) < len(pairs):
        raise ValueError("a field twice")
    content = (path.parent / field["datafile"]).read_bytes() if "datafile" in field else rest[0]
    encoding = field["encoding"].lower()
    if encoding in ("gzip", "gz"):
        content = gzip.decompress(content)
    elif encoding != "raw":
        raise ValueError("another encoding")
    shape = [int(n) for n in field["sizes"].split()]
    if len(shape) != int(field["dimension"]):
        raise ValueError("sizes of another dimension")
    kind = _NAMED_TYPES[field["type"].lower()]
    order = "" if kind.endswith("1") else {"little": "<", "big": ">"}[field["endian"].lower()]
    values = _shaped(content, order + kind, shape)
    affine = np.eye(4)
    if "spacedirections" in field:
        vectors = re.findall(r"\(([^)]*)\)|none", field["spacedirections"])
        matrix = np.array([vector.split(",") for vector in vectors if vector], dtype=float).T
        origin = np.array(field.get("spaceorigin", "(0,0,0)").strip("()").split(","), dtype=float)
        flips = np.array(_SPACES[field["space"].lower()])[:, None]
        affine[:3] = flips * np.column_stack([matrix, origin])
    elif "spacings" in field:
        affine[:3, :3] = np.diag([float(word) for word in field["spacings"].split()][:3])
        affine[:2] *= -1
    if not np.isfinite(affine).all():
        raise ValueError("no finite orientation")
    return values, affine


def _metaimage(path: Path) -> Truth:
    start, local, content = path.read_bytes().partition(b"ElementDataFile")
    name, _, content = content.partition(b"\n")
    pairs = [line.split("=", 1) for line in start.decode("latin-1").replace("\r", "").strip("\n").split("\n")]
    field = {key.strip(): value.strip() for key, value in pairs}
    named = name.decode("latin-1").strip(" =\r")
    if not local or len(field) < len(pairs):
        raise ValueError("no data, or a field twice")
    if named != "LOCAL":
        content = (path.parent / named).read_bytes()
    if field.get("CompressedData", "False").lower().startswith("t"):
        content = zlib.decompressobj(wbits=47).decompress(content)
    shape = [int(n) for n in field["DimSize"].split()]
    if len(shape) != int(field["NDims"]) or int(field.get("ElementNumberOfChannels", 1)) != 1:
        raise ValueError("sizes of another dimension")
    order = "<>"[field.get("BinaryDataByteOrderMSB", "False").lower().startswith("t")]
    values = _shaped(content, order + _META_TYPES[field["ElementType"]], shape)
    axes = len(shape)
    matrix = np.eye(axes)
    for key in ("TransformMatrix", "Rotation", "Orientation"):
        if key in field:
            matrix = np.array(field[key].split(), dtype=float).reshape(axes, axes)
    spacing = np.array(field.get("ElementSpacing", field.get("ElementSize", "1 " * axes)).split(), dtype=float)
    origin = np.zeros(axes)
    for key in ("Offset", "Position", "Origin"):
        if key in field:
            origin = np.array(field[key].split(), dtype=float)
    affine = np.eye(4)
    affine[:3] = np.column_stack([matrix.T * spacing, origin])[:3, [0, 1, 2, -1]]
    affine[:2] *= -1
    if not np.isfinite(affine).all():
        raise ValueError("no finite orientation")
    return values, affine
