"""What packages of this environment need, their size on the disk and their licences."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def needed_packages(names: Iterable[str]) -> list[str]:
    """The packages and all that they require without extras, by normalised name, sorted."""
    found: set[str] = set()
    waiting = [canonicalize_name(name) for name in names]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            required = map(Requirement, distribution(name).requires or [])
            waiting += [
                canonicalize_name(one.name) for one in required if not one.marker or one.marker.evaluate({"extra": ""})
            ]
    return sorted(found)


def installed_mb(names: Iterable[str]) -> float:
    """Size of their files, in MB."""
    paths = {Path(file.locate()) for name in names for file in distribution(name).files or []}
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def licences(names: Iterable[str]) -> str:
    """Their licences, as they declare them, each once."""
    return "; ".join(dict.fromkeys(_licence(name) for name in names))


def _licence(name: str) -> str:
    about = distribution(name).metadata
    declared = [about[field] for field in ("License-Expression", "License") if field in about]
    return declared[0].removesuffix(" License") if declared else "not declared"
