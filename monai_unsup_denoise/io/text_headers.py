"""Checks of NRRD and MetaImage headers: their libraries take what is no number for another, and go on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
_VECTOR = rf"\(\s*{_NUMBER}(\s*,\s*{_NUMBER})*\s*\)"
_NRRD = {
    "sizes": r"\d+(\s+\d+)*",
    "dimension": r"\d+",
    "spacings": rf"({_NUMBER}|nan)(\s+({_NUMBER}|nan))*",
    "spacedirections": rf"(none|{_VECTOR})(\s+(none|{_VECTOR}))*",
    "spaceorigin": _VECTOR,
}
#: MetaImage fields with a number for each axis, and with a matrix.
_PER_AXIS = ("DimSize", "ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation")
_MATRIX = ("TransformMatrix", "Rotation", "Orientation")
_ONCE = (*_PER_AXIS, *_MATRIX, "NDims", "ElementType", "CompressedData", "CompressedDataSize", "BinaryData")


def check_nrrd_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Check the values of fields, named in small letters without spaces.

    Raises:
        ValueError: for the first that is damaged.
    """
    for key, value in fields:
        pattern = _NRRD.get(key)
        if pattern is not None and not re.fullmatch(pattern, value, re.IGNORECASE | re.ASCII):
            raise ValueError(f"'{key}' of its header is damaged")


def check_metaimage_lines(lines: Sequence[str], *, voxel_bytes: int | None) -> None:
    """Check the fields of a header, one a line.

    ``voxel_bytes``: size of the voxels as they lie in their only file; None if that is unknown.

    Raises:
        ValueError: for the first that is damaged.
    """
    pairs = [(key.strip(), value.strip()) for key, _, value in (_divided(line) for line in lines if line.strip())]
    names = [key for key, _ in pairs if key in _ONCE]
    if twice := next((key for key in names if names.count(key) > 1), None):
        raise ValueError(f"'{twice}' is in its header twice")
    field = dict(pairs)
    if not re.fullmatch(r"[1-9]", field.get("NDims", ""), re.ASCII):
        raise ValueError("'NDims' of its header is damaged")
    axes = int(field["NDims"])
    for keys, count in ((_PER_AXIS, axes), (_MATRIX, axes * axes)):
        for key in keys:
            words = field.get(key, "1 " * count).split()
            if len(words) != count or not all(re.fullmatch(_NUMBER, word, re.ASCII) for word in words):
                raise ValueError(f"'{key}' of its header is damaged: {count} numbers are needed")
    size = field.get("CompressedDataSize", "")
    is_compressed = field.get("CompressedData", "False").lower().startswith("t")
    if is_compressed and voxel_bytes is not None and size != str(voxel_bytes):
        raise ValueError(f"its header claims {size or 'no number of'} bytes of compressed voxels, not {voxel_bytes}")


def _divided(line: str) -> tuple[str, str, str]:
    parts = re.fullmatch(r"([^=:]*)([=:])(.*)", line, re.DOTALL)
    if parts is None:
        raise ValueError("a line of its header is no field")
    return parts[1], parts[2], parts[3]
