"""The table of processes and nodes in docs/training.md, and the sentence above it, are those of its file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments.process_scaling import COLUMNS, END, LAYOUTS, START, scaling_table


@pytest.fixture
def results(repository: Path) -> pd.DataFrame:
    return pd.read_csv(repository / "docs" / "process_scaling.csv")


def test_page_has_the_table_of_the_measurement(repository: Path, results: pd.DataFrame) -> None:
    page = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    assert page.partition(START)[2].partition(END)[0].strip() == scaling_table(results).strip()


def test_two_processes_are_twice_as_fast_as_one(results: pd.DataFrame) -> None:
    assert list(results.columns) == list(COLUMNS)
    assert [*zip(results["nodes"], results["processes"] // results["nodes"], strict=True)] == [*LAYOUTS]
    alone, *two = results["patches_per_second"]
    assert [rate / alone for rate in two] == pytest.approx([2, 2], abs=0.1)
