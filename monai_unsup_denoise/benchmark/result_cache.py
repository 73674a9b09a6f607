"""Results that are kept, so that what is finished is never computed again unless its inputs changed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from monai_unsup_denoise.benchmark.cases import Case
from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.rows import COLUMNS, Row
from monai_unsup_denoise.benchmark.source_files import code_digest
from monai_unsup_denoise.files import atomic_write

PICTURES = ("noisy", "denoised", "clean")


class ResultCache:
    """One file of numbers and one of pictures for each case and method that gave a result.

    ``<folder>/<volume>/<level>_<seed>/<method>.json`` holds the row of results.csv and a digest of what it was made
    from; the ``.npz`` beside it the middle slice of the last axis: noisy, denoised and clean, float16.

    Args:
        folder: of the cells.
        warn: called with a line for each damaged cell.
    """

    def __init__(self, folder: Path, *, warn: Callable[[str], None] = print) -> None:
        self.folder = folder
        self._warn = warn
        self._scoring = code_digest("monai_unsup_denoise.benchmark.scores.psnr")

    def load(self, case: Case, prepared: ResolvedMethod) -> Row | None:
        """The row, if the cell is there, whole, and made from the same inputs."""
        path = self._path(case.volume.name, case.level, case.seed, prepared.method.name)
        if not path.exists():
            return None
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            row = {name: content[name] for name in COLUMNS}
            inputs = content["inputs"]
            _read_pictures(path.with_suffix(".npz"))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            self._warn(f"{path}: damaged cell ({type(error).__name__}); it is computed again")
            return None
        return row if inputs == self._inputs(case, prepared) else None

    def save(self, case: Case, prepared: ResolvedMethod, row: Row, *, noisy: np.ndarray, denoised: np.ndarray) -> None:
        """Keep a row and the middle slices; the row last, since it says that the cell is whole."""
        clean = case.clean
        path = self._path(case.volume.name, case.level, case.seed, prepared.method.name)
        with atomic_write(path.with_suffix(".npz")) as partial, partial.open("wb") as file:
            np.savez_compressed(file, noisy=_middle(noisy), denoised=_middle(denoised), clean=_middle(clean))
        content = row | {"inputs": self._inputs(case, prepared)}
        with atomic_write(path) as partial:
            partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def find_picture(self, volume: str, level: float, seed: int, method: str) -> dict[str, np.ndarray] | None:
        """``noisy``, ``denoised`` and ``clean``, ``(X, Y)`` float16, maximum 1; None where there is no such cell."""
        path = self._path(volume, level, seed, method)
        return _read_pictures(path.with_suffix(".npz")) if path.exists() else None

    def _path(self, volume: str, level: float, seed: int, method: str) -> Path:
        return self.folder / volume / f"{level:g}_{seed}" / f"{method}.json"

    def _inputs(self, case: Case, prepared: ResolvedMethod) -> str:
        parts = [case.digest, f"{case.level:g}", prepared.digest, self._scoring]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _middle(volume: np.ndarray) -> np.ndarray:
    return volume[..., volume.shape[-1] // 2].astype(np.float16)


def _read_pictures(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file, np.load(file) as pictures:
        return {name: pictures[name] for name in PICTURES}
