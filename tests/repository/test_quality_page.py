"""The tables of docs/quality.md are those that the committed results give."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.design_ablation import IDEAS, quality_table
from experiments.fine_tuning import transfer_table


def test_every_idea_was_measured(repository: Path) -> None:
    assert pd.read_csv(repository / "docs" / "quality.csv")["idea"].tolist() == list(IDEAS)


def test_what_was_kept_is_what_the_ideas_say(repository: Path) -> None:
    results = pd.read_csv(repository / "docs" / "quality.csv").set_index("idea")
    assert {name: bool(kept) for name, kept in results["kept"].items()} == {n: idea.kept for n, idea in IDEAS.items()}


def test_the_page_has_the_tables_of_the_results(repository: Path) -> None:
    page = (repository / "docs" / "quality.md").read_text(encoding="utf-8")
    tables = [
        quality_table(pd.read_csv(repository / "docs" / "quality.csv")),
        transfer_table(pd.read_csv(repository / "docs" / "transfer.csv")),
    ]
    for table in tables:
        assert table.strip() in page, f"expected\n{table}"
