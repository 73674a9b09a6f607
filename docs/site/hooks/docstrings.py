"""Docstrings as they are meant: indented formulas as written, and `Returns` in words, not as a type and its meaning."""

import re

from sphinx.application import Sphinx

_SECTION = re.compile(r"\w[\w ]*:$")  # `Args:`


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-process-docstring", _process, priority=100)  # before napoleon reads the sections
    return {"parallel_read_safe": True}


def _process(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    lines[:] = with_returns_field(with_literal_formulas(lines))


def with_literal_formulas(lines: list[str]) -> list[str]:
    """The lines of a docstring, with ``::`` before each indented paragraph that follows a paragraph of the text."""
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


def with_returns_field(lines: list[str]) -> list[str]:
    """The lines of a docstring, with the section `Returns` as a field; napoleon sees a type before a colon."""
    result: list[str] = []
    inside = False
    for line in lines:
        if line.strip() == "Returns:":
            inside = True
            result.append(":returns:")
            continue
        inside = inside and (not line.strip() or line.startswith(" "))
        result.append(line)
    return result
