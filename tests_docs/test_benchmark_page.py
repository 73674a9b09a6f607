"""The interactive benchmark shows the numbers of the committed files, and its controls do what they say."""

from collections.abc import Iterator

import pandas as pd
import pytest
from playwright.sync_api import Page

from tests_docs.browser import chromium


@pytest.fixture(scope="module")
def results(repository):
    return pd.read_csv(repository / "docs" / "benchmark" / "results.csv")


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser, site) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto((site / "docs" / "site" / "benchmark.html").as_uri())
    yield tab
    tab.close()


def column(tab, number):
    """The cells of a column of the table, as shown."""
    return tab.locator(f"#explorer-table tbody tr > :nth-child({number})").all_inner_texts()


def scores(tab):
    """The first score (PSNR) by the title of the method, without its marks."""
    titles = [title.strip().rstrip(" σ†") for title in column(tab, 1)]
    return dict(zip(titles, column(tab, 2), strict=True))


def test_table_shows_the_scores_of_the_file(tab, results):
    tab.select_option("#explorer-volume", "BrainWeb PDw")
    tab.select_option("#explorer-level", "30")
    rows = results[(results["volume"] == "brainweb_pdw") & (results["level"] == 30)].set_index("method")["psnr"]
    shown = scores(tab)
    assert len(shown) == len(rows) == 18
    assert shown["Ours"] == f"{rows['ours']:.2f}"
    assert shown["BM4D + VST"] == f"{rows['bm4d_vst']:.2f}"
    assert sorted(map(float, shown.values())) == pytest.approx(sorted(rows), abs=0.0051)


def test_kinds_of_noise_are_those_of_their_file(tab, repository):
    kinds = pd.read_csv(repository / "docs" / "benchmark" / "noise_kinds.csv")
    tab.select_option("#explorer-volume", "Phantom T1w")
    shown = tab.locator("#explorer-kind option").all_inner_texts()
    assert shown == [kind.replace("_", " ") for kind in kinds["kind"].unique()]
    tab.select_option("#explorer-kind", "g map")
    tab.select_option("#explorer-level", "10")
    rows = kinds[(kinds["kind"] == "g_map") & (kinds["level"] == 10)].set_index("method")["psnr"]
    assert scores(tab)["Ours"] == f"{rows['ours']:.2f}"


def test_headings_sort_both_ways(tab):
    heading = tab.locator('#explorer-table [data-column="ssim_3d"]')
    heading.click()
    values = list(map(float, column(tab, 3)))
    assert values == sorted(values, reverse=True)
    heading.click()
    assert list(map(float, column(tab, 3))) == sorted(values)
    assert tab.locator('#explorer-table th[aria-sort="ascending"]').inner_text().startswith("SSIM, 3-D")


def test_blind_methods_are_not_given_sigma(tab, results):
    tab.select_option("#explorer-class", "blind")
    blind = results[(results["given_sigma"] == "no") & ~results["method"].isin(["paired", "dncnn"])]
    assert len(scores(tab)) == blind["method"].nunique()


def test_best_blind_method_is_bold(tab):
    assert tab.locator("#explorer-table tbody tr:has(td:nth-child(2) strong) th").inner_text().strip() == "Ours"


def test_boxes_choose_the_lines_of_the_plot(tab):
    lines = tab.locator("#explorer-plot > svg .explorer-line")
    before = lines.count()
    tab.locator('#explorer-table [data-method="sanlm"]').check()
    assert lines.count() == before + 1
    assert "SANLM (CAT12)" in tab.locator(".explorer-lines").inner_text()


def test_points_say_their_scores(tab, results):
    rows = results[(results["volume"] == "brainweb_t1w") & (results["method"] == "ours")].set_index("level")["ssim_3d"]
    tab.select_option("#explorer-metric", "ssim_3d")
    titles = tab.locator("#explorer-plot > svg title").evaluate_all("nodes => nodes.map(node => node.textContent)")
    assert [title for title in titles if title.startswith("Ours,")] == [
        f"Ours, {n} %: {s:.3f}" for n, s in rows.items()
    ]
