"""The tables of docs/training.md are those of docs/training_speed.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments.training_speed import COLUMNS, END, PARTS, START, TRAININGS, training_tables


@pytest.fixture
def results(repository: Path) -> pd.DataFrame:
    return pd.read_csv(repository / "docs" / "training_speed.csv")


def test_page_has_the_tables_of_the_measurement(repository: Path, results: pd.DataFrame) -> None:
    page = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    assert page.partition(START)[2].partition(END)[0].strip() == training_tables(results).strip()


def test_measurement_is_of_one_run(results: pd.DataFrame) -> None:
    assert list(results.columns) == COLUMNS
    assert list(results["training"]) == ["matmul", *TRAININGS]
    assert (results[["machine", "versions", "threads"]].nunique() == 1).all()


def test_parts_and_shares_add_up(results: pd.DataFrame) -> None:
    timed = results[results["training"] != "matmul"]
    assert timed[[f"{part}_seconds" for part in PARTS]].sum(axis=1).tolist() == pytest.approx(
        timed["seconds"].tolist(), rel=5e-3
    )
    passes = timed["forward_seconds"] + timed["backward_seconds"]
    limit = results.set_index("training")["gflop_per_second"]["matmul"]
    shares = timed["gflop"] / passes / limit
    assert timed["share_of_matmul"].dropna().tolist() == pytest.approx(shares.tolist(), rel=5e-3)
    assert timed["validation_share"].dropna().between(0, 1).all()
