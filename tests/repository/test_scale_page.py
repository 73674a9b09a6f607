"""The page on many scans has the figures of the committed files."""

from pathlib import Path

from experiments.scale_page import filled


def test_tables_of_the_page_are_those_of_the_files(repository: Path) -> None:
    page = (repository / "docs" / "scale.md").read_text(encoding="utf-8")
    assert filled(page) == page
    assert page.count("| core-hours of all |") == page.count("| one process |") == 1
