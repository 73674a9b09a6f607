"""The repeated scans that a word of the command line names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from monai_unsup_denoise.data import ReadScansd
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.find import find_volumes
from monai_unsup_denoise.io.volumes import open_volumes
from monai_unsup_denoise.transforms import CheckVolume


@dataclass(frozen=True)
class RepeatSource:
    """Repeats before they are read: their name in all tables, and one 4-D file or several 3-D scans."""

    name: str
    paths: tuple[Path, ...]


def find_repeats(words: Sequence[str]) -> list[RepeatSource]:
    """The repeated scans named on the command line, in this order.

    Args:
        words: a 4-D file, a folder, or ``NAME=PATH`` of one of them. In a folder, and in each below it, every 4-D file
            is a scan; where there is none, all scans of the folder are the repeats of one. The name is that of the
            folder, or of the file where a folder has several.

    Raises:
        InputError: if a path is missing or has no repeats, or two scans would have the same name.
    """
    sources = [source for word in words for source in _sources(word)]
    seen: dict[str, Path] = {}
    for source in sources:
        path = source.paths[0]
        if source.name in seen:
            raise InputError(
                f"--repeats: {seen[source.name]} and {path} would both be named {source.name}; give NAME=PATH"
            )
        seen[source.name] = path
    return sources


def load_repeats(source: RepeatSource) -> np.ndarray:
    """The repeats, ``(N, X, Y, Z)`` float32.

    Raises:
        InputError: naming the file, if one cannot be read, is no volume of finite magnitudes, or has another shape.
    """
    volumes = open_volumes(source.paths[0]) if len(source.paths) == 1 else None
    images = (
        [ReadScansd("image")({"image": path})["image"] for path in source.paths]
        if volumes is None
        else [volumes[number] for number in range(len(volumes))]
    )
    arrays = [torch.as_tensor(CheckVolume()(image)).numpy().astype(np.float32) for image in images]
    for path, array in zip(source.paths, arrays, strict=False):
        if array.shape != arrays[0].shape:
            sizes = f"{_size(array)} voxels, but {source.paths[0].name} has {_size(arrays[0])}"
            raise InputError(f"{path}: {sizes}; give repeats of one scan")
    return np.stack(arrays)


def _sources(word: str) -> list[RepeatSource]:
    name, equals, path = word.partition("=")
    if not equals or Path(word).exists():
        name, path = "", word
    elif not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise InputError(f"--repeats {word}: a name has letters, digits, '_', '-' and '.' only; choose another")
    folders: dict[Path, list[Path]] = defaultdict(list)
    for item in find_volumes(path):
        folders[Path(item["image"]).parent].append(Path(item["image"]))
    sources = []
    for folder, scans in folders.items():
        series = [scan for scan in scans if open_volumes(scan)]
        groups = [[scan] for scan in series] or ([scans] if len(scans) > 1 else [])
        for group in groups:
            own = folder if len(groups) == 1 and Path(path).is_dir() else group[0]
            stem = Path(own.name.removesuffix(".gz")).stem if own.is_file() else own.resolve().name
            sources.append(RepeatSource(name or re.sub(r"[^\w-]+", "_", stem) or "scan", tuple(group)))
    if not sources:
        raise InputError(f"{path}: one volume only; give a 4-D file, or a folder with two or more scans of one object")
    if name and len(sources) > 1:
        raise InputError(f"--repeats {word}: {len(sources)} repeated scans for one name; give one")
    return sources


def _size(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape))
