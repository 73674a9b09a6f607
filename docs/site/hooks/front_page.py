"""The README as the front page: the navigation is added to it, and it is index.html too."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx

_NAVIGATION = Path(__file__).parents[1] / "navigation.md"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", _add_navigation)
    app.connect("build-finished", _copy_to_index)
    return {"parallel_read_safe": True}


def _add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    if page == app.config.root_doc:
        app.env.note_dependency(str(_NAVIGATION))
        source[0] += "\n\n" + _NAVIGATION.read_text(encoding="utf-8")


def _copy_to_index(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        shutil.copyfile(app.outdir / f"{app.config.root_doc}.html", app.outdir / "index.html")
