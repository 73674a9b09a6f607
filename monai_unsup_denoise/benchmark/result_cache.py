"""Finished results on disk: nothing is computed again unless its inputs change."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from monai_unsup_denoise.benchmark import scores
from monai_unsup_denoise.benchmark.cases import Case
from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.files import atomic_write, write_text

if TYPE_CHECKING:
    from monai_unsup_denoise.benchmark.repeats import RepeatCase

IMAGES = ("noisy", "denoised", "clean")
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


class ResultCache:
    """A row of results.csv and the middle slices of one case and method, as `volume/level_seed/method.json` and `.npz`.

    Cases of a table of kinds of noise are in `level_seed_kind`.

    Each row is stored with a digest of its inputs: the voxels, the code and parameters of the method, the versions of
    its packages, its weights, and the code of the scores.

    Args:
        folder: of the cells.
        warn: called with one line for each damaged cell.
    """

    def __init__(self, folder: Path, *, warn: Callable[[str], None] = print) -> None:
        self.folder = folder
        self._warn = warn

    def load(self, case: Case | RepeatCase, method: ResolvedMethod) -> dict[str, Any] | None:
        """The row, if it is complete and its inputs are the same."""
        path = self._path(case.volume.name, case.level, case.seed, method.method.name, case.kind)
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["inputs"] != _digest(case, method):
                return None
            _read_images(path.with_suffix(".npz"))
            return dict(content["row"])
        except _DAMAGE as error:
            self._warn(f"{path}: damaged cell ({type(error).__name__}); it is computed again")
            return None

    def save(self, case: Case | RepeatCase, method: ResolvedMethod, row: dict[str, Any], denoised: np.ndarray) -> None:
        """Store the middle slices of the last axis as float16, and then the row: a cell with a row is complete."""
        path = self._path(case.volume.name, case.level, case.seed, method.method.name, case.kind)
        images = {"noisy": case.noisy, "denoised": denoised, "clean": case.clean}
        slices: dict[str, Any] = {name: image[..., image.shape[-1] // 2] for name, image in images.items()}
        with atomic_write(path.with_suffix(".npz")) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **{name: image.astype(np.float16) for name, image in slices.items()})
        # For Python alone: the PSNR of a perfect result is infinite.
        write_text(path, json.dumps({"inputs": _digest(case, method), "row": row}, indent=2) + "\n")

    def find_images(
        self, volume: str, level: float, seed: int, method: str, *, kind: str = ""
    ) -> dict[str, np.ndarray] | None:
        """Slices ``noisy``, ``denoised`` and ``clean``, ``(X, Y)`` float16; None if there is no whole cell."""
        try:
            return _read_images(self._path(volume, level, seed, method, kind).with_suffix(".npz"))
        except _DAMAGE:
            return None

    def _path(self, volume: str, level: float, seed: int, method: str, kind: str) -> Path:
        return self.folder / volume / f"{level:g}_{seed}{kind and '_'}{kind}" / f"{method}.json"


def _digest(case: Case | RepeatCase, method: ResolvedMethod) -> str:
    scoring = hashlib.sha256(Path(scores.__file__).read_bytes()).hexdigest()
    return hashlib.sha256(f"{case.digest} {case.level:g} {method.digest} {scoring}".encode()).hexdigest()


def _read_images(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file, np.load(file) as images:
        return {name: images[name] for name in IMAGES}
