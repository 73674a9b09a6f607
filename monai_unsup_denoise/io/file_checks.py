"""Checks of a file before it is read: memory is taken as its header claims, and no reader compares its checksum."""

from __future__ import annotations

import glob
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.analyze import AnalyzeImage

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.nibabel_formats import files_of, is_nibabel
from monai_unsup_denoise.io.text_headers import check_metaimage_lines, check_nrrd_fields

_CHUNK = 2**20
_LINE_END = re.compile(r"\r?\n")  # str.splitlines splits at half of a letter in UTF-8, too
#: Of compressed voxels to their file; noise compresses by less than ten.
_MAX_RATIO, _FREE = 200, 64 * 2**20
_MAX_MATRIX = 2**16  # of the .mat beside an image of SPM, which holds two matrices of 4 by 4
_BYTES = {  # of a voxel, by the letters and digits of its type's name; of others at least 1
    **dict.fromkeys(("short", "shortint", "ushort", "int16", "uint16", "int16t", "uint16t"), 2),
    **dict.fromkeys(("signedshort", "signedshortint", "unsignedshort", "unsignedshortint"), 2),
    **dict.fromkeys(("int", "signedint", "uint", "unsignedint", "int32", "uint32", "int32t", "uint32t", "float"), 4),
    **dict.fromkeys(("long", "ulong"), 4),
    **dict.fromkeys(("double", "int64", "uint64", "int64t", "uint64t", "longlong", "ulonglong"), 8),
    **dict.fromkeys(("longlongint", "signedlonglong", "unsignedlonglong", "unsignedlonglongint"), 8),
}


def check_file(path: Path, *, max_ratio: float = _MAX_RATIO) -> None:
    """Check what can be checked of a volume's file without keeping its voxels; a folder passes.

    ``max_ratio``: by how much its voxels may be compressed, if they take more than 64 MiB.

    Raises:
        InputError: for a pipe or device, a header without a usable orientation, or one that names files elsewhere.
        ValueError: with the reason, for a header that claims more than the file can hold, and for damaged voxels.
    """
    if path.is_dir():
        return
    _check_regular(path)
    check_ending(path)
    name = path.name.lower()
    if is_nibabel(path):
        _check_nibabel(path, max_ratio)
    elif name.endswith((".nrrd", ".nhdr")):
        _check_nrrd(path, max_ratio)
    elif name.endswith((".mha", ".mhd")):
        _check_metaimage(path, max_ratio)


def check_ending(path: Path) -> None:
    """Check that the libraries know the ending of a volume's file, which is either in small letters or in capitals.

    Raises:
        InputError: if not: ``.Nii``, or ``.MHA``, which ITK knows in small letters only.
    """
    ending = re.search(r"\.(?:(mh[ad])|(nii|img|hdr)(\.gz)?)$", path.name, re.IGNORECASE)
    if ending and ending[0] != ending[0].lower() and (ending[1] or ending[2].lower() != ending[2] != ending[2].upper()):
        raise InputError(f"{path}: {ending[0]} is not read in these capitals; rename it to end in {ending[0].lower()}")


def is_nifti(path: Path) -> bool:
    """Whether a file is NIfTI by its name."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def _check_regular(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: a pipe or device, not a file; copy the scan into a file")


def _check_nibabel(path: Path, max_ratio: float) -> None:
    files = files_of(path)
    for file in files:
        _check_regular(file)
        if file.suffix.lower() == ".mat" and file.stat().st_size > _MAX_MATRIX:
            raise InputError(f"{file}: too large for an orientation of SPM; remove it")
    try:
        image: Any = nibabel.load(path)
    except ValueError as error:
        if "w2 should be positive" not in str(error):
            raise
        raise InputError(f"{path}: its qform cannot be decoded and it has no sform; set one of them") from error
    if not isinstance(image, (AnalyzeImage, nibabel.MGHImage)):  # NIfTI is an AnalyzeImage, too
        return
    if not np.isfinite(image.affine).all():
        raise InputError(f"{path}: its orientation (sform, qform or voxel size) holds NaN or infinity; set it again")
    voxels: Any = image.dataobj
    header: Any = image.header
    if min(image.shape) < 0:
        raise ValueError("its header claims an axis of negative length")
    if is_nifti(path) and voxels.offset < header.single_vox_offset:  # nibabel would take the header for voxels
        raise ValueError(f"its header says that the voxels begin at byte {voxels.offset}, which is inside it")
    claimed = voxels.offset + math.prod(int(n) or 1 for n in image.shape) * image.get_data_dtype().itemsize
    is_compressed = path.name.lower().endswith((".gz", ".mgz"))
    _check_voxels(files[:1], claimed, ratio=max_ratio if is_compressed else None, stream=0)


def _check_nrrd(path: Path, max_ratio: float) -> None:
    header, rest, offset = _split_header(path, rb"\r?\n(?=\r?\n)", skip=rb"\r?\n")
    pairs = [line.partition(":")[::2] for line in _LINE_END.split(header)]
    fields = [(re.sub(r"\s", "", key).lower(), value.strip()) for key, value in pairs if not value.startswith("=")]
    check_nrrd_fields(fields)
    named = [value for key, value in fields if key == "datafile"]
    if named and named[-1].upper().startswith("LIST"):
        named = [*re.split(r"(?im)^\s*data ?file\s*:\s*LIST.*$", f"{header}\n{rest}")[-1].splitlines(), *named[:-1]]
    files = _data_files(path, named) if named else [path]
    field = dict(fields)
    claimed = math.prod(map(int, field.get("sizes", "").split()))
    encoding = field.get("encoding", "raw").lower()
    if encoding not in ("txt", "text", "ascii", "hex"):  # of which a voxel takes one character or more
        claimed *= _bytes_of(field.get("type", ""))
    is_gzip = encoding in ("gz", "gzip") and not {"lineskip", "byteskip"} & field.keys()
    stream = (0 if named else offset) if is_gzip else None
    ratio = max_ratio if encoding in ("gz", "gzip", "bz2", "bzip2") else None
    _check_voxels(files, claimed, ratio=ratio, stream=stream)


def _check_metaimage(path: Path, max_ratio: float) -> None:
    key = rb"^\s*ElementDataFile\s*[=:].*"
    header, rest, offset = _split_header(path, key, skip=rb"\r?\n")
    field = {
        key.strip().lower(): value.strip()
        for key, _, value in (re.sub(":", "=", line, count=1).partition("=") for line in _LINE_END.split(header))
    }
    named = re.findall(r"(?im)^\s*ElementDataFile\s*[=:][^\S\n]*(.*)$", f"{header}\n{rest}")
    if named and named[0].upper().startswith("LIST"):
        named = [*rest.splitlines(), *named[1:]]
    named = [name for name in named if name.strip().upper() != "LOCAL"]
    files = _data_files(path, named) if named else [path]
    there = files[0].stat().st_size - (0 if named else offset) if len(files) == 1 else None
    check_metaimage_lines(_LINE_END.split(header), voxel_bytes=there)
    claimed = math.prod(map(int, field.get("dimsize", "").split())) * int(field.get("elementnumberofchannels", 1))
    if field.get("binarydata", "True").lower().startswith("t"):
        claimed *= _bytes_of(field.get("elementtype", "").upper().removeprefix("MET_").removesuffix("_ARRAY"))
    ratio = max_ratio if field.get("compresseddata", "False").lower().startswith("t") else None
    _check_voxels(files, claimed, ratio=ratio, stream=0 if named else offset)


def _split_header(path: Path, end: bytes, *, skip: bytes) -> tuple[str, str, int]:
    """The text to the first match of ``end``, some of what follows it and ``skip``, and where in the file that is.

    Raises:
        ValueError: if there is no ``end`` in the first megabyte of a longer file.
    """
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    if found := re.search(rb"(" + end + rb")(?:" + skip + rb")?", start, re.MULTILINE):
        return start[: found.end(1)].decode("latin-1"), start[found.end() :].decode("latin-1"), found.end()
    if len(start) == _CHUNK:
        raise ValueError("its header has no end")
    return start.decode("latin-1"), "", len(start)


def _data_files(path: Path, names: Sequence[str]) -> list[Path]:
    """The files that the header at ``path`` names: in its folder or below it."""
    files: list[Path] = []
    for name in filter(None, map(str.strip, names)):
        shown = "".join(letter if letter.isprintable() else "?" for letter in name[:80])
        if name == "-" or name[0] in "/\\~" or name[1:2] == ":" or ".." in re.split(r"[/\\]", name):
            raise InputError(f"{path}: names a file outside its own folder ({shown}); put the voxels beside the header")
        if "%" in name:  # scan%03d.raw 1 20 1
            if not re.fullmatch(r"[^%]*%\d{0,2}d[^%]*", name):  # libraries hand it to printf
                raise InputError(f"{path}: names files by a pattern that is not understood ({shown}); export it again")
            pattern = re.sub(r"%\d*d", "*", glob.escape(f"{path.parent}/{name.split()[0]}"))
            files += map(Path, glob.glob(pattern))
        else:
            files.append(path.parent / name)
    for file in files:
        _check_regular(file)
    return files


def _bytes_of(kind: str) -> int:
    return _BYTES.get(re.sub(r"[^a-z0-9]", "", kind.lower()), 1)


def _check_voxels(files: Sequence[Path], claimed: int, *, ratio: float | None, stream: int | None) -> None:
    """Compare the bytes that a header claims with those that are there.

    Args:
        files: with the voxels.
        claimed: bytes, decompressed.
        ratio: by how much they may be compressed; None where they are not.
        stream: where the gzip or zlib stream of the only file begins; None if that is unknown.
    """
    size = sum(file.stat().st_size for file in files)
    limit = size if ratio is None else max(_FREE, ratio * size)
    if claimed > limit:
        raise ValueError(f"its header claims {claimed} bytes of voxels, in a file of {size}")
    if ratio is not None and stream is not None and len(files) == 1:
        there = _decompressed_size(files[0], stream, limit)
        if there < claimed:
            raise ValueError(f"its header claims {claimed} bytes of voxels, but it holds {there}")


def _decompressed_size(path: Path, offset: int, limit: float) -> int:
    """Size of the gzip or zlib stream in a file. It is read to its end, where its checksum is compared."""
    total = 0
    decoder = zlib.decompressobj(wbits=47)
    with path.open("rb") as file:
        file.seek(offset)
        pending = file.read(_CHUNK)
        while pending:
            total += len(decoder.decompress(pending, _CHUNK))
            if total > limit:
                raise ValueError(f"its voxels take more than {limit:.0f} bytes, in a file of {path.stat().st_size}")
            pending = decoder.unconsumed_tail
            if decoder.eof:
                pending = decoder.unused_data
                if len(pending) < 2:
                    pending += file.read(_CHUNK)
                if not pending.startswith(b"\x1f\x8b"):  # no other gzip member
                    return total
                decoder = zlib.decompressobj(wbits=47)
            pending = pending or file.read(_CHUNK)
    total += len(decoder.flush())
    if not decoder.eof:
        raise ValueError("its compressed voxels are cut off")
    return total
