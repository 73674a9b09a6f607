"""The table of docs/published_method.md is that of the committed results."""

from pathlib import Path

import pandas as pd

from experiments.discriminator_check import LEARNING_RATES, VARIANTS, discriminator_table


def test_every_discriminator_was_measured(repository: Path) -> None:
    results = pd.read_csv(repository / "docs" / "discriminators.csv")
    measured = set(zip(results.discriminator, results.learning_rate, strict=True))
    assert measured == {(name, rate) for name in VARIANTS for rate in LEARNING_RATES}


def test_page_has_the_table_of_the_results(repository: Path) -> None:
    table = discriminator_table(pd.read_csv(repository / "docs" / "discriminators.csv"))
    assert table in (repository / "docs" / "published_method.md").read_text(encoding="utf-8"), f"expected\n{table}"
