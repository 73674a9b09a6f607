"""The figures of docs/reliability.md are those of docs/reliability.csv, and no input escaped."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.reliability.fuzz import kinds_of
from tests.reliability.good_files import FORMATS
from tests.reliability.run import INTERRUPTIONS, as_markdown

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """Of `make fuzz`."""
    with (DOCS / "reliability.csv").open() as file:
        return list(csv.DictReader(file))


def test_page_has_the_figures_of_the_file(rows):
    _, _, rest = (DOCS / "reliability.md").read_text().partition("<!-- results -->\n")
    assert rest.partition("\n<!-- end of results -->")[0] == as_markdown(rows)


def test_every_kind_was_tried_and_nothing_escaped(rows):
    assert {kind for form in FORMATS for kind in kinds_of(form)} < {row["kind"] for row in rows}
    assert [row["kind"] for row in rows if int(row["escapes"])] == []
    killed = sum(int(row["tried"]) for row in rows if row["kind"] in INTERRUPTIONS)
    assert killed >= 300
    assert sum(int(row["tried"]) for row in rows) - killed >= 5000
