"""The tables of docs/speed.md are those of docs/speed.csv and docs/backends.csv."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments import backends, refinement_settings
from experiments.speed import COLUMNS
from experiments.speed_page import (
    BACKENDS_END,
    BACKENDS_START,
    END,
    START,
    TITLES,
    backend_tables,
    speed_tables,
    write_backends,
    write_page,
)


@pytest.fixture
def results(repository: Path) -> pd.DataFrame:
    return pd.read_csv(repository / "docs" / "speed.csv")


@pytest.fixture
def measured_backends(repository: Path) -> pd.DataFrame:
    return pd.read_csv(repository / "docs" / "backends.csv")


def test_page_has_the_tables_of_the_measurement(repository: Path, results: pd.DataFrame) -> None:
    page = (repository / "docs" / "speed.md").read_text(encoding="utf-8")
    assert page.partition(START)[2].partition(END)[0].strip() == speed_tables(results).strip()


def test_page_has_the_table_of_the_backends(repository: Path, measured_backends: pd.DataFrame) -> None:
    page = (repository / "docs" / "speed.md").read_text(encoding="utf-8")
    table = page.partition(BACKENDS_START)[2].partition(BACKENDS_END)[0]
    assert table.strip() == backend_tables(measured_backends).strip()


def test_page_has_the_table_of_the_refinement(repository: Path) -> None:
    page = (repository / "docs" / "speed.md").read_text(encoding="utf-8")
    rows = pd.read_csv(repository / "docs" / "refinement.csv")
    assert [tuple(row) for row in rows.iloc[:, :4].to_numpy()] == refinement_settings.SETTINGS
    table = page.partition(refinement_settings.START)[2].partition(refinement_settings.END)[0]
    assert table.strip() == refinement_settings.refinement_table(rows).strip()
    assert len([line for line in table.splitlines() if "**" in line]) == 1, "the setting in use"


def test_backends_are_all_of_one_run(measured_backends: pd.DataFrame) -> None:
    assert list(measured_backends.columns) == backends.COLUMNS
    assert list(measured_backends["backend"]) == list(backends.BACKENDS)
    assert measured_backends["machine"].nunique() == measured_backends["threads"].nunique() == 1
    assert set(measured_backends["voxels"]) == {112 * 128 * 112}


@pytest.mark.parametrize("last", ["speed", "backends", "refinement"])
def test_page_is_complete_whichever_is_measured_last(repository: Path, tmp_path: Path, last: str) -> None:
    committed = (repository / "docs" / "speed.md").read_text(encoding="utf-8")
    (tmp_path / "speed.md").write_text(committed.replace("| --- ", "| -- "), encoding="utf-8")  # as of an earlier run
    write = {"speed": write_page, "backends": write_backends, "refinement": refinement_settings.write_refinement}
    for name in write:
        (tmp_path / f"{name}.csv").write_bytes((repository / "docs" / f"{name}.csv").read_bytes())
    for name in sorted(write, key=last.__eq__):
        write[name](tmp_path / f"{name}.csv")
    assert (tmp_path / "speed.md").read_text(encoding="utf-8") == committed


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
