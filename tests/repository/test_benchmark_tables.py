"""The benchmark's tables in README, model card and docs/benchmark are those of the committed results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from experiments.paper_ablation import ablation_table
from monai_unsup_denoise.benchmark.methods import choose_methods
from monai_unsup_denoise.benchmark.report import results_table, volume_results, volume_tables
from monai_unsup_denoise.benchmark.report.published import published_scores
from monai_unsup_denoise.benchmark.report.table import markdown

VOLUMES = ("brainweb_t1w", "brainweb_pdw")
SETTINGS = Path(__file__).resolve().parents[2] / "bundles/brain_mri_denoise/configs/benchmark.json"
METHODS = choose_methods(json.loads(SETTINGS.read_text(encoding="utf-8"))["methods"])


@pytest.fixture(scope="module")
def results(repository: Path) -> pd.DataFrame:
    """The committed results."""
    return pd.read_csv(repository / "docs" / "benchmark" / "results.csv")


@pytest.mark.parametrize("volume", VOLUMES)
def test_page_has_the_tables_of_the_results(repository: Path, results: pd.DataFrame, volume: str) -> None:
    table = results_table(results, volume, METHODS)
    assert table in (repository / "docs" / "results.md").read_text(encoding="utf-8"), f"expected\n{table}"


def test_readme_has_the_results_at_15_percent(repository: Path, results: pd.DataFrame) -> None:
    readme = (repository / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (\S+) \| (\S+) \|$", readme.partition("| | T1w | PDw |")[2], re.MULTILINE)[1:7]
    psnr = results[results["level"] == 15].pivot_table(index="method", columns="volume", values="psnr")
    names = ("noisy", "nlmeans", "sanlm", "bm4d_vst", "paper", "ours")
    assert [(t1w.strip("*"), pdw.strip("*")) for _, t1w, pdw in rows] == [
        tuple(f"{psnr[volume][name]:.2f}" for volume in VOLUMES) for name in names
    ]
    titles = {method.name: method.title for method in METHODS}
    assert [title.strip("*").removesuffix(" σ") for title, *_ in rows] == [titles[name] for name in names]


def test_page_has_every_table_of_the_results(repository: Path, results: pd.DataFrame) -> None:
    page = (repository / "docs" / "benchmark" / "tables.md").read_text(encoding="utf-8")
    for volume in volume_results(results, METHODS):
        for table in volume_tables(volume):
            assert f"### {table.title}" in page
            assert markdown(table) in page, f"{volume.title}, {table.title}: expected\n{markdown(table)}"


def test_page_shows_every_committed_figure(repository: Path) -> None:
    folder = repository / "docs" / "benchmark"
    shown = re.findall(r"\(figures/(.+)\)", (folder / "tables.md").read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(path.name for path in (folder / "figures").iterdir())


def test_results_hold_both_volumes_and_every_method(results: pd.DataFrame) -> None:
    for volume in VOLUMES:
        assert set(results.loc[results["volume"] == volume, "method"]) == {method.name for method in METHODS}


@pytest.mark.parametrize("page", ["docs/benchmark/ablation.md", "bundles/brain_mri_denoise/docs/README.md"])
def test_ablation_table_is_that_of_the_results(repository: Path, page: str) -> None:
    table = ablation_table(pd.read_csv(repository / "docs" / "benchmark" / "ablation.csv"))
    assert table.strip() in (repository / page).read_text(encoding="utf-8"), f"expected\n{table}"


def scores_here(results: pd.DataFrame, volume: str, method: str) -> dict[float, tuple[float, float]]:
    """PSNR and 3-D SSIM by level."""
    rows = results[(results["volume"] == volume) & (results["method"] == method)]
    return {row.level: (row.psnr, row.ssim_3d) for row in rows.itertuples()}


@pytest.mark.parametrize(("volume", "contrast"), [("brainweb_t1w", "T1w"), ("brainweb_pdw", "PDw")])
@pytest.mark.parametrize(("method", "title"), [("paper", "paper"), ("cyclegan", "CycleGAN")])
def test_model_card_has_the_published_scores_and_ours(
    repository: Path, results: pd.DataFrame, volume: str, contrast: str, method: str, title: str
) -> None:
    card = (repository / "bundles/brain_mri_denoise/docs/README.md").read_text(encoding="utf-8")
    printed = {level: scores for (name, level), scores in published_scores(volume).items() if name == method}
    for where, scores in (("published", printed), ("here", scores_here(results, volume, method))):
        cells = (f"{psnr:.1f} / {ssim:.2f}" for _, (psnr, ssim) in sorted(scores.items()))
        assert (row := f"| {contrast}, {title}, {where} | {' | '.join(cells)} |") in card, f"expected\n{row}"


@pytest.mark.parametrize("volume", VOLUMES)
@pytest.mark.parametrize("method", ["paper", "cyclegan"])
def test_methods_of_the_paper_reach_their_publication(results: pd.DataFrame, volume: str, method: str) -> None:
    here = scores_here(results, volume, method)
    for level in here:
        published = published_scores(volume)[method, level]
        assert here[level][0] >= published.psnr and here[level][1] >= published.ssim, f"{level} %: {here[level]}"
