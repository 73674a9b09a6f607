"""The tables of docs/quality.md are those of the committed results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from experiments.design_ablation import VARIANTS, quality_table
from experiments.fine_tuning import fine_tuning_table


def test_every_variant_was_measured(repository: Path) -> None:
    results = pd.read_csv(repository / "docs" / "quality.csv").set_index("variant")
    assert list(results.index) == list(VARIANTS)
    for column in ("kept", "left_out"):
        assert results[column].tolist() == [getattr(variant, column) for variant in VARIANTS.values()]


def test_page_has_the_tables_of_the_results(repository: Path) -> None:
    page = (repository / "docs" / "quality.md").read_text(encoding="utf-8")
    for table in (
        quality_table(pd.read_csv(repository / "docs" / "quality.csv")),
        fine_tuning_table(pd.read_csv(repository / "docs" / "transfer.csv")),
    ):
        assert table.strip() in page, f"expected\n{table}"
