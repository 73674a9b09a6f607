"""Signatures that Sphinx can take apart: it cannot if the default of an argument is no expression."""

import re

from sphinx.application import Sphinx

_NO_EXPRESSION = re.compile(r"<[^<>]*>")  # such as `<factory>` of a dataclass


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-signature", _replace_defaults)
    return {"parallel_read_safe": True}


def _replace_defaults(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    return signature and _NO_EXPRESSION.sub("...", signature), returns
