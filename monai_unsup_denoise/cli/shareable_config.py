"""An executed config without private texts: paths, user names, names of scans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from monai.bundle import ConfigParser

from monai_unsup_denoise.bundle_folder import bundle_folder

WITHHELD = "(not logged)"

#: A reference, or an expression without any text or path in it.
_HARMLESS_EXPRESSION = re.compile(r"[$@%][\w\s.,:#()\[\]@*+<>=-]*")
_DOTTED_NAME = re.compile(r"[A-Za-z_][\w.]*")


def shareable_config(config: Any) -> Any:
    """``config`` with every text that may name a person or a folder replaced; numbers and structure stay.

    Kept are the texts of the shipped configs, dotted names under ``_target_``, and references or expressions with
    neither quotes nor slashes.
    """
    return _shareable(config, set(_bundle_texts()))


def _shareable(value: Any, own: set[str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _shareable(inner, own, name) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shareable(inner, own) for inner in value]
    if not isinstance(value, str):
        return value if isinstance(value, (bool, int, float, type(None))) else WITHHELD
    harmless = value in own or _HARMLESS_EXPRESSION.fullmatch(value)
    return value if harmless or (key == "_target_" and _DOTTED_NAME.fullmatch(value)) else WITHHELD


def _bundle_texts() -> Iterator[str]:
    for path in (bundle_folder() / "configs").glob("*.json"):
        yield from _texts(ConfigParser.load_config_file(str(path)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)
