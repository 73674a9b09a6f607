"""What the site does to docstrings."""

import sys

import pytest


@pytest.fixture(scope="module")
def docstrings(repository):
    sys.path.insert(0, str(repository / "docs" / "site"))
    from hooks import docstrings

    sys.path.pop(0)
    return docstrings


def test_an_indented_formula_becomes_literal(docstrings):
    lines = ["Text.", "", "    a = b * c", "", "More."]
    assert docstrings.with_literal_formulas(lines) == ["Text.", "", "::", "", "    a = b * c", "", "More."]


def test_a_section_stays_as_it_is(docstrings):
    lines = ["Text.", "", "Args:", "    a: of b.", "", "    c: of d."]
    assert docstrings.with_literal_formulas(lines) == lines


def test_returns_are_words_even_with_a_colon(docstrings):
    lines = ["Text.", "", "Returns:", "    None: there is none.", "", "Raises:", "    ValueError: if so."]
    assert docstrings.with_returns_field(lines) == ["Text.", "", ":returns:", *lines[3:]]
