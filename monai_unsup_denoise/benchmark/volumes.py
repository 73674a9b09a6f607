"""The clean volumes of a benchmark: held-out phantoms, BrainWeb, any scan of the user's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from monai.transforms import LoadImage

from monai_unsup_denoise.data import brainweb_datalist, phantom_datalist
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.find import find_volumes
from monai_unsup_denoise.transforms import CheckVolume

PHANTOM_SUBJECT = 11  # no training has seen it
PHANTOM_CONTRASTS = ("T1w", "PDw", "T2w")
SMALLEST = 11  # voxels along each axis: the window of SSIM at sigma 1.5


@dataclass(frozen=True)
class Source:
    """Where a volume comes from, before it is read: its name in every table, and its path."""

    name: str
    path: Path


@dataclass(frozen=True)
class Volume:
    """A clean volume.

    Attributes:
        name: in every table.
        clean: all of it, ``(X, Y, Z)`` float32, maximum 1.
        first, last: the slices along the last axis, inclusive, that methods get and scores count.
    """

    name: str
    clean: np.ndarray
    first: int
    last: int

    @property
    def slices(self) -> str:
        """``"all"`` or ``"70-109"``."""
        return "all" if (self.first, self.last) == (0, self.clean.shape[2] - 1) else f"{self.first}-{self.last}"


def find_sources(wanted: Sequence[str]) -> list[Source]:
    """The volumes that each word names, in this order.

    Args:
        wanted: ``phantom`` (all contrasts of the subject that no training saw), ``phantom_t1w`` and so on,
            ``brainweb`` (downloaded with the extra of that name), ``brainweb:FOLDER``, the path of a scan or of a
            folder of scans, or ``NAME=PATH``.

    Raises:
        InputError: if a path is missing, or two volumes would have one name.
    """
    sources = [source for word in wanted for source in _sources(word)]
    seen: dict[str, Path] = {}
    for source in sources:
        if source.name in seen:
            raise InputError(
                f"--volume: {seen[source.name]} and {source.path} would both be named {source.name}; give NAME=PATH"
            )
        seen[source.name] = source.path
    return sources


def without_folders(word: str) -> str:
    """A word for :func:`find_sources` as a report may show it: ``brainweb:FOLDER``, ``NAME=SCAN``, ``scan.nii.gz``."""
    if word == "phantom" or word in _phantom_names():
        return word
    if Path(word).exists():
        return "FOLDER" if Path(word).is_dir() else Path(word).name
    kind, colon, _ = word.partition(":")
    if kind == "brainweb":
        return "brainweb:FOLDER" if colon else word
    return f"{word.partition('=')[0]}=SCAN"


def load_volume(source: Source, slices: str = "all") -> Volume:
    """Read a volume, scale it to maximum 1 and choose its slices.

    Args:
        source: as found.
        slices: ``"all"``, ``"70-109"`` (inclusive, counted from 0 along the last axis), or ``"16"`` (the middle 16).

    Raises:
        InputError: naming the file, if it cannot be read, is no 3-D volume of finite magnitudes, is constant, too small
            for SSIM, or lacks these slices.
    """
    image = _read(source.path)
    if float(image.max()) == float(image.min()):
        raise InputError(f"{source.path}: all voxels are {float(image.max()):g}; give a scan that shows something")
    clean = image / image.max()
    first, last = _slice_range(slices, clean.shape[2], source)
    small = min((*clean.shape[:2], last - first + 1))
    if small < SMALLEST:
        what = f"{clean.shape[0]} x {clean.shape[1]} x {last - first + 1}"
        raise InputError(f"{source.path}: {what} voxels, but SSIM needs {SMALLEST} along each axis; give more")
    return Volume(source.name, clean, first, last)


def _sources(word: str) -> list[Source]:
    kind, _, rest = word.partition(":")
    if word == "phantom" or word in _phantom_names():
        return _phantoms(list(PHANTOM_CONTRASTS) if word == "phantom" else [_phantom_names()[word]])
    if kind == "brainweb" and not Path(word).exists():
        return _brainweb(rest or None)
    name, equals, path = word.partition("=")
    if equals and not Path(word).exists():
        return [_named(name, path)]
    return [Source(_stem(Path(item["image"])), Path(item["image"])) for item in find_volumes(word)]


def _phantom_names() -> Mapping[str, str]:
    return {f"phantom_{contrast.lower()}": contrast for contrast in PHANTOM_CONTRASTS}


def _phantoms(contrasts: list[str]) -> list[Source]:
    items = phantom_datalist(None, [PHANTOM_SUBJECT], contrasts=contrasts)
    return [Source(f"phantom_{item['contrast'].lower()}", Path(item["image"])) for item in items]


def _brainweb(folder: str | None) -> list[Source]:
    try:
        items = brainweb_datalist(folder)
    except (ValueError, OSError, ImportError) as error:
        raise InputError(f"--volume brainweb: {error}") from error
    return [Source(f"brainweb_{item['contrast'].lower()}", Path(item["image"])) for item in items]


def _named(name: str, path: str) -> Source:
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise InputError(f"--volume {name}={path}: a name has letters, digits, '_', '-' and '.' only; choose another")
    found = find_volumes(path)
    if len(found) > 1:
        raise InputError(f"--volume {name}={path}: {len(found)} volumes for one name; give one scan")
    return Source(name, Path(found[0]["image"]))


def _stem(path: Path) -> str:
    if path.is_dir():  # a series, in a folder that may be named after a person
        return "dicom"
    name = Path(path.name.removesuffix(".gz")).stem
    return re.sub(r"[^\w-]+", "_", name) or "volume"


def _read(path: Path) -> np.ndarray:
    try:
        image = LoadImage(image_only=True)(str(path))
    except Exception as error:  # readers raise anything; whatever it is, the file is at fault
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{path}: cannot be read as a volume ({lines[0]}); export it again") from error
    return torch.as_tensor(CheckVolume()(image)).numpy().astype(np.float32)


def _slice_range(slices: str, depth: int, source: Source) -> tuple[int, int]:
    if slices == "all":
        return 0, depth - 1
    if match := re.fullmatch(r"(\d+)-(\d+)", slices):
        first, last = int(match[1]), int(match[2])
        if first > last or last >= depth:
            raise InputError(f"{source.path}: no slices {slices} in a volume of {depth} (0-{depth - 1}); give others")
        return first, last
    if slices.isdecimal() and int(slices) > 0:
        number = min(int(slices), depth)
        return (depth - number) // 2, (depth - number) // 2 + number - 1
    raise InputError(f"--slices {slices}: give FIRST-LAST, a number of middle slices, or all")
