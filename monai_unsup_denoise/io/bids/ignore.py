"""What ``.bidsignore`` leaves out of a BIDS dataset."""

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from monai_unsup_denoise.errors import InputError

_WILDCARDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def read_ignore(dataset: Path) -> Callable[[PurePosixPath], bool]:
    """Whether a file, a path below ``dataset``, is ignored, by the rules of git.

    Of the patterns that match, the last counts; ``!`` takes back, but not from an ignored folder. A pattern with a
    slash is relative to the dataset, another matches at any depth; with a slash at its end, it matches folders.
    """
    path = dataset / ".bidsignore"
    lines = path.read_text(encoding="utf-8-sig", errors="surrogateescape").splitlines() if path.is_file() else []
    rules = [
        (not line.startswith("!"), line.rstrip().endswith("/"), _compile(line.removeprefix("!").rstrip()))
        for line in lines
        if line.strip() and not line.startswith("#")
    ]

    def is_ignored(scan: PurePosixPath) -> bool:
        for place in (scan, *list(scan.parents)[:-1]):
            matching = [
                ignores
                for ignores, only_folders, pattern in rules
                if pattern.fullmatch(str(place)) and not (only_folders and place == scan)
            ]
            if matching and matching[-1]:
                return True
        return False

    return is_ignored


def _compile(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression of paths."""
    words = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern.strip("/"))
    body = "".join(
        _WILDCARDS.get(word) or (word.replace("[!", "[^") if word.startswith("[") else re.escape(word))
        for word in words
    )
    try:
        return re.compile(("" if "/" in pattern.rstrip("/") else "(?:.*/)?") + body)
    except re.error as error:
        raise InputError(f".bidsignore: {pattern}: no valid pattern ({error}); correct this line") from None
