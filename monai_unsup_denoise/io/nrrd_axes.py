"""NRRD files with an axis of one component or one time, which ITK does not read."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Fields with a value for each axis.
_PER_AXIS = "sizes kinds spacedirections spacings thicknesses axismins axismaxs centers centerings labels units".split()
_VALUE = re.compile(r'\([^)]*\)|"[^"]*"|\S+')


@contextmanager
def without_single_axes(path: Path) -> Iterator[Path]:
    """``path``, or a temporary copy with a header of three axes: axes of one voxel beyond them are dropped.

    The voxels and their order are the same.
    """
    if not path.name.lower().endswith((".nrrd", ".nhdr")):
        yield path
        return
    with path.open("rb") as file:
        lines = []
        while (line := file.readline()).strip():
            lines.append(line.decode("latin-1").rstrip("\r\n"))
        dropped = _axes_to_drop(lines)
        if not dropped:
            yield path
            return
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, f"volume{path.suffix}")
            with copy.open("wb") as target:
                target.write("".join(f"{_shortened(line, dropped, path)}\n" for line in lines).encode("latin-1") + line)
                shutil.copyfileobj(file, target)
            yield copy


def _axes_to_drop(lines: list[str]) -> set[int]:
    """Axes of one voxel, first those without a direction in space, until three axes are left."""
    fields = dict(map(_split, lines))
    sizes = fields.get("sizes", "").split()
    directions = _VALUE.findall(fields.get("spacedirections", "")) or ["none"] * len(sizes)
    single = [axis for axis, (size, _) in enumerate(zip(sizes, directions, strict=False)) if size == "1"]
    single.sort(key=lambda axis: (directions[axis] != "none", -axis))
    return set(single[: max(0, len(sizes) - 3)]) if len(sizes) - len(single) <= 3 else set()


def _shortened(line: str, dropped: set[int], path: Path) -> str:
    """A line of the header without the values of the axes ``dropped``; a data file with its folder."""
    key, value = _split(line)
    if key == "dimension":
        return f"dimension: {int(value) - len(dropped)}"
    if key == "datafile" and not value.upper().startswith("LIST"):
        return f"data file: {path.absolute().parent / value}"
    if key not in _PER_AXIS:
        return line
    kept = [word for axis, word in enumerate(_VALUE.findall(value)) if axis not in dropped]
    return f"{line.partition(':')[0]}: {' '.join(kept)}"


def _split(line: str) -> tuple[str, str]:
    """Key and value of a field; comments and the user's own ``key:=value`` have no key."""
    key, _, value = line.partition(":")
    return ("" if value.startswith("=") or key.startswith("#") else re.sub(r"\s", "", key).lower()), value.strip()
