"""Formulas of docstrings, which are indented, are shown as written."""

import re

from sphinx.application import Sphinx

_SECTION = re.compile(r"\w[\w ]*:$")  # `Args:`


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _mark_formulas, priority=100)  # before napoleon reads the sections
    return {"parallel_read_safe": True}


def _mark_formulas(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Put ``::`` before each indented paragraph that follows a paragraph of the text."""
    lines[:] = with_literal_formulas(lines)


def with_literal_formulas(lines: list[str]) -> list[str]:
    """The lines of a docstring, whose indentation is removed, with the marks of literal blocks."""
    result: list[str] = []
    text = ""  # the last line of the text
    inside = False  # a section, whose content is indented too
    for number, line in enumerate(lines):
        starts = line.startswith("    ") and number > 0 and not lines[number - 1].strip()
        if starts and text and not inside and not text.endswith("::"):
            result += ["::", ""]
            text = ""
        if line.strip() and not line.startswith(" "):
            text, inside = line, bool(_SECTION.match(line))
        result.append(line)
    return result
