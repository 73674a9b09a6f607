"""A table in GitHub's Markdown, with footnotes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first column names the rows.

    Args:
        title: of its section.
        header: one text for each column.
        rows: one Markdown text for each column.
        footnotes: numbered from 1; the name of a row ends in the numbers of its own.
        caption: above the table.
    """

    title: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    footnotes: Sequence[str] = ()
    caption: str = ""


class Footnotes:
    """Numbers remarks in the order of first use; equal remarks share a number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, remarks: Sequence[str]) -> str:
        """The superscript numbers of these remarks."""
        self.texts += [remark for remark in dict.fromkeys(remarks) if remark not in self.texts]
        return " ".join(_superscript(self.texts.index(remark) + 1) for remark in remarks)


def markdown(table: Table) -> str:
    """The table without title and caption, one line for each footnote below."""
    rows = [list(map(escaped, table.header)), ["---"] * len(table.header), *table.rows]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    notes = [f"{_superscript(number)} {escaped(text)}" for number, text in enumerate(table.footnotes, start=1)]
    return "\n".join([*lines, *([""] if notes else []), *(f"{note}  " for note in notes[:-1]), *notes[-1:]])


def escaped(text: str) -> str:
    """A text as one line without Markdown or HTML syntax; all white space becomes plain spaces."""
    text = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([|*`\[\]\\])", r"\\\1", text)


def _superscript(number: int) -> str:
    return str(number).translate(_SUPERSCRIPTS)
