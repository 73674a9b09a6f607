"""Texts of a config that MONAI must take as they are, such as the names of files."""

import re
from pathlib import PurePath


def literal(text: str | PurePath) -> str:
    """``text`` as a value of a config: read by MONAI, it is ``text`` again, whatever is in it.

    MONAI runs a text that begins with ``$``, looks up one that begins with ``@`` or ``%``, and makes ``::`` of each
    ``#``. Such a text becomes an expression with that value; any other stays as it is.
    """
    text = str(text)
    if not re.search(r"^[$@%]|#", text):
        return text
    return "$" + ascii(text).replace("@", r"\x40").replace("#", r"\x23")


def is_read_by_monai(text: str) -> bool:
    """Whether MONAI would take ``text``, meant as it is, for something else."""
    return literal(text) != text
