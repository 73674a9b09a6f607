"""The tables of docs/speed.md are those of docs/speed.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments.speed import COLUMNS
from experiments.speed_page import END, START, TITLES, speed_tables


@pytest.fixture
def results(repository: Path) -> pd.DataFrame:
    return pd.read_csv(repository / "docs" / "speed.csv")


def test_page_has_the_tables_of_the_measurement(repository: Path, results: pd.DataFrame) -> None:
    page = (repository / "docs" / "speed.md").read_text(encoding="utf-8")
    assert page.partition(START)[2].partition(END)[0].strip() == speed_tables(results).strip()


def test_measurement_is_of_one_run(results: pd.DataFrame) -> None:
    assert list(results.columns) == COLUMNS
    assert results["machine"].nunique() == results["threads"].nunique() == 1
    assert set(results["method"]) == {"matmul", *TITLES}


def test_ratios_are_those_of_the_seconds(results: pd.DataFrame) -> None:
    measured = results[results["status"] == "ok"]
    dipy = measured[measured["method"] == "dipy"].set_index("voxels")["seconds"]
    expected = measured["seconds"] / measured["voxels"].map(dipy)
    pd.testing.assert_series_equal(measured["ratio_to_dipy"], expected, check_names=False, rtol=0.01)
    rates = measured[measured["method"] == "matmul"].set_index("precision")["gflop_per_second"]
    network = measured[measured["share_of_matmul"].notna()]
    shares = network["gflop"] / network["seconds"] / network["precision"].map(rates)
    pd.testing.assert_series_equal(network["share_of_matmul"], shares, check_names=False, atol=0.002, rtol=0.01)
