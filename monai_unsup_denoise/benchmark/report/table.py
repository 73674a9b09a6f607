"""A table of text, and how it is written in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Span(NamedTuple):
    """A piece of text within a cell."""

    text: str
    strong: bool = False


Spans = tuple[Span, ...]  # a cell


@dataclass(frozen=True)
class Table:
    """Rows under a header, the first column naming them, with footnotes.

    Args:
        title: above it.
        header: one text for each column.
        rows: one cell for each column.
        footnotes: in their order; a row's name ends in the numbers of its own.
        caption: what is to be known before reading it.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Spans, ...], ...]
    footnotes: tuple[str, ...] = ()
    caption: str = ""


def cell(text: str) -> Spans:
    """A cell of plain text."""
    return (Span(text),)


class Footnotes:
    """Numbers remarks in the order of their first use; the same remark has the same number."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def mark(self, remarks: Sequence[str]) -> str:
        """The superscript numbers of these remarks."""
        for remark in remarks:
            if remark not in self._texts:
                self._texts.append(remark)
        return " ".join(superscript(self._texts.index(remark) + 1) for remark in remarks)

    @property
    def texts(self) -> tuple[str, ...]:
        """All remarks; the first has the number 1."""
        return tuple(self._texts)


def superscript(number: int) -> str:
    """A number in small raised digits."""
    return str(number).translate(_SUPERSCRIPTS)


def markdown(table: Table) -> str:
    """The table as GitHub's Markdown, without its title and caption, a line for each footnote below."""
    lines = [_line([escaped(text) for text in table.header]), _line(["---"] * len(table.header))]
    lines += [_line([_cell_markdown(spans) for spans in row]) for row in table.rows]
    if table.footnotes:
        lines += ["", *footnote_lines(table.footnotes)]
    return "\n".join(lines)


def footnote_lines(footnotes: Sequence[str]) -> list[str]:
    """Footnotes as Markdown that stands line by line."""
    lines = [f"{superscript(number)} {escaped(text)}" for number, text in enumerate(footnotes, start=1)]
    return [f"{line}  " for line in lines[:-1]] + lines[-1:]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"


def _cell_markdown(spans: Spans) -> str:
    return "".join(f"**{escaped(span.text)}**" if span.strong else escaped(span.text) for span in spans)


def escaped(text: str) -> str:
    """A text on one line in which nothing is taken for Markdown or HTML; all spaces are plain ones."""
    text = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([|*`\[\]\\])", r"\\\1", text)
