"""The benchmark's tables in the README and in docs/benchmark are those that the committed results give."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from experiments.paper_ablation import ablation_table
from monai_unsup_denoise.benchmark.report import readme_table, volume_results, volume_tables
from monai_unsup_denoise.benchmark.report.table import markdown

VOLUMES = ("brainweb_t1w", "brainweb_pdw")
README_LEVELS = (5, 15, 30)
README_METHODS = (
    *("noisy", "adf_unbiased", "nlmeans", "sanlm", "bm4d_vst"),
    *("noise2void", "cyclegan", "paper", "ours", "paired"),
)
SETTINGS = Path(__file__).resolve().parents[2] / "bundles/brain_mri_denoise/configs/benchmark.json"
METHODS = json.loads(SETTINGS.read_text(encoding="utf-8"))["methods"]
TITLES = {name: method["title"] for name, method in METHODS.items()}
NOTES = {name: method["note"] for name, method in METHODS.items() if method.get("note")}
REFERENCES = [name for name, method in METHODS.items() if method.get("trained_on_pairs")]


@pytest.fixture(scope="module")
def results(repository: Path) -> pd.DataFrame:
    """The committed results."""
    return pd.read_csv(repository / "docs" / "benchmark" / "results.csv")


@pytest.mark.parametrize("volume", VOLUMES)
def test_readme_has_the_table_of_the_results(repository: Path, results: pd.DataFrame, volume: str) -> None:
    page = (repository / "README.md").read_text(encoding="utf-8")
    shown = results[results["level"].isin(README_LEVELS)]
    table = readme_table(shown, volume, TITLES, methods=README_METHODS, references=REFERENCES)
    assert table.strip() in page, f"expected\n{table}"


def test_the_page_of_tables_has_every_table_of_the_results(repository: Path, results: pd.DataFrame) -> None:
    page = (repository / "docs" / "benchmark" / "tables.md").read_text(encoding="utf-8")
    for volume in volume_results(results, TITLES, NOTES, REFERENCES):
        for table in volume_tables(volume):
            assert f"### {table.title}" in page
            assert markdown(table) in page, f"{volume.title}, {table.title}: expected\n{markdown(table)}"


def test_the_results_hold_both_volumes_and_every_method(results: pd.DataFrame) -> None:
    for volume in VOLUMES:
        assert set(results.loc[results["volume"] == volume, "method"]) == set(TITLES)


@pytest.mark.parametrize("page", ["docs/benchmark/ablation.md", "bundles/brain_mri_denoise/docs/README.md"])
def test_the_ablation_s_table_is_what_was_measured(repository: Path, page: str) -> None:
    table = ablation_table(pd.read_csv(repository / "docs" / "benchmark" / "ablation.csv"))
    assert table.strip() in (repository / page).read_text(encoding="utf-8"), f"expected\n{table}"
