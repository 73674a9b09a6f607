"""Repairs of the HTML of Sphinx and its theme, for keyboards and screen readers.

What may be wider than the screen takes the focus, so that the arrow keys scroll it; the lines of a signature are no
list of definitions; and captions of the navigation say their level.
"""

import re
from typing import Any

from sphinx.application import Sphinx

_AFTER_THE_THEME = 900
_SCROLLING = re.compile(r'<pre>|<div class="table-wrapper(?=[ "])')
_SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
_LIST_TAGS = re.compile(r"<(/?)(dl|dd)>")
_NAVIGATION = "furo_navigation_tree"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", _repair, priority=_AFTER_THE_THEME)
    return {"parallel_read_safe": True}


def _repair(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    if "body" in context:
        context["body"] = repaired(context["body"])
    if _NAVIGATION in context:
        context[_NAVIGATION] = context[_NAVIGATION].replace('role="heading"', 'role="heading" aria-level="2"')


def repaired(body: str) -> str:
    """The HTML of a page with focus on what scrolls, and signatures without lists."""
    body = _SCROLLING.sub(
        lambda match: match[0].replace(" class", ' tabindex="0" class').replace("<pre>", '<pre tabindex="0">'), body
    )
    return _SIGNATURE.sub(lambda match: _LIST_TAGS.sub(_line_tag, match[0]), body)


def _line_tag(match: re.Match[str]) -> str:
    if match[1]:
        return "</span>"
    return '<span class="signature-lines">' if match[2] == "dl" else '<span class="signature-line">'
