"""An executed config without private texts: paths, user names, names of scans."""

import re
from typing import Any

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
    files = (bundle_folder() / "configs").glob("*.json")
    return _shareable(config, {text for file in files for text in re.findall(r'"([^"\\]*)"', file.read_text("utf-8"))})


def _shareable(value: Any, shipped: set[str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _shareable(inner, shipped, name) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shareable(inner, shipped) for inner in value]
    if not isinstance(value, str):
        return value if isinstance(value, (bool, int, float, type(None))) else WITHHELD
    harmless = value in shipped or _HARMLESS_EXPRESSION.fullmatch(value)
    return value if harmless or (key == "_target_" and _DOTTED_NAME.fullmatch(value)) else WITHHELD
