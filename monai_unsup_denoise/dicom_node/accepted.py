"""Which instances have been taken, so that one that comes again is recognised."""

from __future__ import annotations

import os
import time
from collections.abc import Set
from functools import lru_cache
from pathlib import Path

from monai_unsup_denoise.staging import flush


class Accepted:
    """A folder with a file for each series that was taken; its lines are the names of the instances.

    Args:
        folder: it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, series: str) -> frozenset[str]:
        """The instances of a series that have been taken."""
        try:
            return _lines(self._folder / series)
        except FileNotFoundError:
            return frozenset()

    def add(self, series: str, instances: Set[str]) -> None:
        """Note that these are taken; on the disk when this returns."""
        with open(self._folder / series, "a", encoding="ascii") as journal:
            journal.writelines(f"{name}\n" for name in sorted(instances))
            journal.flush()
            os.fsync(journal.fileno())
        flush(self._folder)
        _lines.cache_clear()

    def forget(self, seconds: float) -> None:
        """Forget the series that were taken that long ago."""
        for path in self._folder.iterdir():
            if time.time() - path.stat().st_mtime > seconds:
                path.unlink()
        _lines.cache_clear()


@lru_cache(maxsize=64)
def _lines(path: Path) -> frozenset[str]:
    return frozenset(path.read_text(encoding="ascii").split())
