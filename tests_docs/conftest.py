"""The built site and its sources; `make test-docs` builds it first."""

from pathlib import Path

import pytest

from tests_docs.pages import Page

REPOSITORY = Path(__file__).resolve().parents[1]
SITE = REPOSITORY / "build" / "site"


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def site() -> Path:
    assert (SITE / "index.html").is_file(), "no site in build/site; run `make docs`"
    return SITE


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the site by its path."""
    return {path: Page(path) for path in sorted(site.rglob("*.html"))}


@pytest.fixture(scope="session")
def sources(site: Path) -> list[Path]:
    """The Markdown files that the pages are made of."""
    found = [path.relative_to(site).with_suffix(".md") for path in sorted(site.rglob("*.html"))]
    return [REPOSITORY / path for path in found if (REPOSITORY / path).is_file()]
