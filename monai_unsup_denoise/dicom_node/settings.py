"""The settings of the node: one JSON file, checked as a whole before anything starts."""

from __future__ import annotations

import json
import math
import re
from dataclasses import MISSING, Field, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from monai_unsup_denoise.errors import InputError

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}"  # of a destination: it names files in the spool
_LEAST = {"quiet_seconds": 0.1, "max_series": 1, "max_associations": 1, "jobs": 1, "threads": 1}
Settings = TypeVar("Settings")


@dataclass(frozen=True, kw_only=True)
class Tls:
    """PEM files: the own certificate and key, and the authority whose certificates are trusted."""

    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where series are sent on to."""

    name: str
    ae_title: str
    host: str
    port: int
    originals: bool = False  # whether the source goes there, too, untouched
    tls: Tls | None = None


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """What ``node.json`` says; times in seconds unless the name says otherwise."""

    ae_title: str
    spool: Path
    callers: tuple[str, ...]  # the AE titles that may send
    destinations: tuple[Destination, ...]
    host: str = "127.0.0.1"
    port: int = 11112
    tls: Tls | None = None
    health_port: int = 9104  # on the loopback interface
    quiet_seconds: float = 30  # a study is complete after this long without a new instance
    interrupted_seconds: float = 600  # the same where the connection broke: time for the sender to repeat the rest
    idle_seconds: float = 60  # after this long without a message an association is closed
    max_associations: int = 8
    max_series: int = 500  # in the spool, dead letters not counted
    max_gigabytes: float = 50  # of the spool, with room for the results, dead letters included
    min_free_gigabytes: float = 1  # of the disk
    longest_wait_seconds: float = 300  # between two tries to reach a destination
    retry_hours: float = 72  # after this long a series that cannot be sent becomes a dead letter
    remember_days: float = 30  # how long an instance that comes again is recognised
    jobs: int = 1  # series that are denoised at a time
    threads: int | None = None  # of each job; by default, the jobs share the processor


def read_settings(path: str | Path) -> NodeSettings:
    """The settings in a JSON file; relative paths in it start from its folder.

    Raises:
        InputError: naming the file, the key and what to write there.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the settings of the node") from error
    except ValueError as error:
        raise InputError(f"{path}: is not JSON ({error}); correct it") from error
    settings = _parse(NodeSettings, content, f"{path}: ", path.absolute().parent)
    if not settings.callers:
        raise InputError(f"{path}: callers: is empty, so nobody may send; list the AE titles of the senders")
    if not settings.destinations:
        raise InputError(f"{path}: destinations: is empty; name at least one")
    names = [one.name for one in settings.destinations]
    for one in settings.destinations:
        if not re.fullmatch(_NAME, one.name):
            raise InputError(f"{path}: destinations: name {one.name!r}: use letters, digits, - and _, at most 32")
        if names.count(one.name) > 1:
            raise InputError(f"{path}: destinations: two are named {one.name!r}; give each a name of its own")
    if settings.tls and not (settings.tls.certificate and settings.tls.key):
        raise InputError(f"{path}: tls: needs certificate and key; name both files")
    return settings


def _parse(kind: type[Settings], content: Any, where: str, folder: Path) -> Settings:
    """A dataclass from the JSON object ``content``, each value of the type that its field has."""
    if not isinstance(content, dict):
        raise InputError(f"{where}is not an object; write {{...}}")
    known: dict[str, Field] = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in content.keys() - known.keys():
        near = get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        raise InputError(f"{where}{key}: no such setting; {hint}")
    for name, field in known.items():
        if field.default is MISSING and name not in content:
            raise InputError(f"{where}{name}: is missing; add it")
    return kind(**{key: _value(known[key], value, f"{where}{key}: ", folder) for key, value in content.items()})


def _value(field: Field, value: Any, where: str, folder: Path) -> Any:
    kind = str(field.type)
    if value is None and kind.endswith("| None"):
        return None
    if kind.startswith("Tls"):
        return _parse(Tls, value, where, folder)
    if kind.startswith("tuple["):
        if not isinstance(value, list):
            raise InputError(f"{where}is not a list; write [...]")
        if "Destination" in kind:
            return tuple(_parse(Destination, each, where, folder) for each in value)
        return tuple(_ae_title(each, where) for each in value)
    if kind.startswith("Path"):
        return folder / Path(_text(value, where)).expanduser()
    if kind == "bool":
        if not isinstance(value, bool):
            raise InputError(f"{where}{value!r} is neither true nor false")
        return value
    if kind.startswith(("int", "float")):
        return _number(field.name, value, where, whole=kind.startswith("int"))
    return _ae_title(value, where) if field.name == "ae_title" else _text(value, where)


def _number(name: str, value: Any, where: str, *, whole: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not math.isfinite(value):
        raise InputError(f"{where}{value!r} is no {'whole ' if whole else ''}number")
    if name in ("port", "health_port") and not 0 <= value <= 65535:
        raise InputError(f"{where}{value} is no port; give 1 to 65535")
    if value < _LEAST.get(name, 0):
        raise InputError(f"{where}{value} is too small; give at least {_LEAST.get(name, 0)}")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where}{value!r} is no text")
    return value


def _ae_title(value: Any, where: str) -> str:
    text = _text(value, where).strip()
    if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", text):
        raise InputError(f"{where}{text!r} is no AE title; use at most 16 characters of ASCII, without backslash")
    return text
