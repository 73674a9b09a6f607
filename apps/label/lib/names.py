"""Names that a request gives: of images, labels, tags and sessions."""

from __future__ import annotations

import os

from fastapi import HTTPException


def is_name(name: object) -> bool:
    """Whether this names one file or folder, not a path."""
    return (
        isinstance(name, str)
        and name not in ("", ".", "..")
        and not set(name) & {"/", os.sep, "\0"}
        and len(os.fsencode(name)) <= 255
    )


def check_name(name: object, what: str) -> None:
    """Raise an HTTPException, status 422, if this is no name to give to ``what``: a path, hidden, not printable."""
    if not is_name(name) or not str(name).isprintable() or str(name)[0] == "." or "\\" in str(name):
        raise HTTPException(422, f"{what} {ascii(name)[:80]}: cannot be a name; give one without path or leading dot")
