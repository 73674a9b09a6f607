"""The cases of a benchmark: clean volumes with noise, the same for every method and in every run."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from monai_unsup_denoise.benchmark.scores import measure
from monai_unsup_denoise.data import ReadScansd, brainweb_datalist, phantom_datalist
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import SCANNER_KINDS, add_scanner_noise
from monai_unsup_denoise.io.find import find_volumes
from monai_unsup_denoise.transforms import CheckVolume

PHANTOM_SUBJECT = 11  # in no training set
PHANTOMS = {"phantom_t1w": "T1w", "phantom_pdw": "PDw", "phantom_t2w": "T2w"}
SMALLEST = 11  # voxels along each axis: the window of SSIM at sigma 1.5


@dataclass(frozen=True)
class Source:
    """A clean volume before it is read: its name in all tables, and its path."""

    name: str
    path: Path


@dataclass(frozen=True)
class Volume:
    """A clean volume.

    Attributes:
        name: in all tables.
        clean: the whole volume, ``(X, Y, Z)`` float32, maximum 1.
        first, last: slices of the last axis, inclusive, that are denoised and scored.
    """

    name: str
    clean: np.ndarray
    first: int
    last: int

    @property
    def slices(self) -> str:
        """``"all"`` or ``"70-109"``."""
        return "all" if (self.first, self.last) == (0, self.clean.shape[2] - 1) else f"{self.first}-{self.last}"


@dataclass(frozen=True)
class Case:
    """A volume with Rician noise, which depends on its name, the noise level and the seed only.

    Noise of other kinds is a `noise_kinds.KindCase`.

    The noise is drawn for the whole volume and cut with it: a slice has the same noise in every selection of slices.
    Arrays are computed at each access, since a grid of cases would not fit into memory.

    Attributes:
        volume: clean.
        level: sigma in percent of the clean maximum.
        seed: of the realisation.
    """

    volume: Volume
    level: float
    seed: int
    kind = ""  # named in no table: white

    @property
    def sigma(self) -> float:
        """Standard deviation of the noise in each complex channel, in units of the clean maximum."""
        return self.level / 100

    @property
    def spectrum(self) -> np.ndarray | None:
        """Power of the noise at each frequency of `numpy.fft.fftn`, ``(X, Y, Z)``, mean 1; None for white noise."""
        return None

    @property
    def clean(self) -> np.ndarray:
        """``(X, Y, Z)`` float32 of the selected slices; the maximum of the whole volume is 1."""
        return self._cut(self.volume.clean)

    @property
    def noisy(self) -> np.ndarray:
        """Magnitudes ``(X, Y, Z)`` float32 of the selected slices."""
        key = f"{self.seed} {self.level:g} {self.volume.name}"
        generator = torch.Generator().manual_seed(zlib.crc32(key.encode()))
        clean = torch.from_numpy(self.volume.clean)
        scanner = SCANNER_KINDS[self.kind or "white"]
        return self._cut(add_scanner_noise(clean, self.level / 100, scanner=scanner, generator=generator).numpy())

    @property
    def megavoxels(self) -> float:
        """Number of voxels of the selected slices, in millions."""
        return self.clean.size / 1e6

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the noisy and the clean voxels."""
        return hashlib.sha256(self.noisy.tobytes() + self.clean.tobytes()).hexdigest()

    def measure(
        self, denoised: np.ndarray, estimated_sigma: float | None = None, estimated_lag1: Sequence[float] | None = None
    ) -> dict[str, float]:
        """The scores by column of results.csv, see :func:`scores.measure`."""
        return measure(denoised, self.noisy, self.clean, self.sigma, estimated_sigma)

    def _cut(self, whole: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(whole[:, :, self.volume.first : self.volume.last + 1])


def make_cases(volumes: Sequence[Volume], levels: Sequence[float], seeds: Sequence[int]) -> list[Case]:
    """Every volume at every level with every seed.

    Raises:
        InputError: see :func:`check_levels`.
    """
    check_levels(levels)
    return [
        Case(volume, level, seed)
        for volume in volumes
        for level in dict.fromkeys(levels)
        for seed in dict.fromkeys(seeds)
    ]


def check_levels(levels: Sequence[float]) -> None:
    """Check noise levels in percent.

    Raises:
        InputError: for a level outside (0, 100].
    """
    for level in levels:
        if not 0 < level <= 100:
            raise InputError(f"--level {level:g}: must be above 0 and at most 100 (percent of the maximum)")


def find_sources(words: Sequence[str]) -> list[Source]:
    """The volumes named on the command line, in this order.

    Args:
        words: ``phantom`` (all contrasts), ``phantom_t1w`` and so on, ``brainweb`` (downloaded by the extra of that
            name), ``brainweb:FOLDER``, the path of a scan or of a folder of scans, or ``NAME=PATH``.

    Raises:
        InputError: if a path is missing, or two volumes would have the same name.
    """
    sources = [source for word in words for source in _sources(word)]
    seen: dict[str, Path] = {}
    for source in sources:
        if source.name in seen:
            raise InputError(
                f"--volume: {seen[source.name]} and {source.path} would both be named {source.name}; give NAME=PATH"
            )
        seen[source.name] = source.path
    return sources


def load_volume(source: Source, slices: str = "all") -> Volume:
    """Read a volume, scale it to maximum 1 and select its slices.

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
    first, last = _slice_range(slices, image.shape[2], source)
    if min((*image.shape[:2], last - first + 1)) < SMALLEST:
        size = f"{image.shape[0]} x {image.shape[1]} x {last - first + 1}"
        raise InputError(f"{source.path}: {size} voxels, but SSIM needs {SMALLEST} along each axis; give more")
    return Volume(source.name, image / image.max(), first, last)


def _sources(word: str) -> list[Source]:
    kind, _, folder = word.partition(":")
    name, equals, path = word.partition("=")
    if word == "phantom" or word in PHANTOMS:
        contrasts = [PHANTOMS[word]] if word in PHANTOMS else list(PHANTOMS.values())
        items = phantom_datalist(None, [PHANTOM_SUBJECT], contrasts=contrasts)
        return [Source(f"phantom_{item['contrast'].lower()}", Path(item["image"])) for item in items]
    if kind == "brainweb" and not Path(word).exists():
        try:
            items = brainweb_datalist(folder or None)
        except (ValueError, OSError, ImportError) as error:
            raise InputError(f"--volume brainweb: {error}") from error
        return [Source(f"brainweb_{item['contrast'].lower()}", Path(item["image"])) for item in items]
    if equals and not Path(word).exists():
        return [_named_source(name, path)]
    return [Source(_stem(Path(item["image"])), Path(item["image"])) for item in find_volumes(word)]


def _named_source(name: str, path: str) -> Source:
    if not re.fullmatch(r"[\w.-]+", name) or name.startswith("."):
        raise InputError(f"--volume {name}={path}: a name has letters, digits, '_', '-' and '.' only; choose another")
    found = find_volumes(path)
    if len(found) > 1:
        raise InputError(f"--volume {name}={path}: {len(found)} volumes for one name; give one scan")
    return Source(name, Path(found[0]["image"]))


def _stem(path: Path) -> str:
    if path.is_dir():  # a DICOM series: its folder may be named after a patient
        return "dicom"
    name = Path(path.name.removesuffix(".gz")).stem
    return re.sub(r"[^\w-]+", "_", name) or "volume"


def _read(path: Path) -> np.ndarray:
    image = CheckVolume()(ReadScansd("image")({"image": path})["image"])
    return torch.as_tensor(image).numpy().astype(np.float32)


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
