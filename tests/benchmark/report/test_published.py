"""The paper's figures as printed, and ours beside them."""

import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.report import volume_results
from monai_unsup_denoise.benchmark.report.published import published_scores
from monai_unsup_denoise.benchmark.report.published_table import published_table
from monai_unsup_denoise.benchmark.report.table import markdown


@pytest.mark.parametrize(
    ("volume", "method", "level", "scores"),
    [
        ("brainweb_t1w", "adf", 5, (20.6106, 0.7497)),
        ("brainweb_t1w", "cyclegan", 30, (19.7676, 0.5404)),
        ("brainweb_t1w", "paper", 15, (22.3678, 0.6768)),
        ("phantom_pdw", "adf", 25, (14.7566, 0.4159)),
        ("brainweb_pdw", "cyclegan", 10, (20.1353, 0.7094)),
        ("brainweb_pdw", "paper", 30, (19.1893, 0.5721)),
    ],
)
def test_a_published_figure_is_as_printed(volume, method, level, scores):
    assert published_scores(volume)[method, level] == scores


def test_there_are_three_methods_at_six_levels_for_each_of_two_contrasts():
    tables = [published_scores("t1w"), published_scores("pdw")]
    assert [len(table) for table in tables] == [18, 18]
    assert {level for table in tables for _, level in table} == {5, 10, 15, 20, 25, 30}
    assert {method for table in tables for method, _ in table} == {"adf", "cyclegan", "paper"}


@pytest.mark.parametrize("volume", ["phantom_t2w", "t1w_scan", "scan"])
def test_a_volume_of_another_contrast_has_no_published_figure(trial, titles, volume):
    [results] = volume_results(trial.assign(volume=volume), titles)
    assert published_table(results) is None


def lines_of(frame, titles):
    [volume] = volume_results(frame, titles)
    return markdown(published_table(volume)).splitlines()


def test_ours_stands_under_each_published_row_at_the_published_levels(trial, titles):
    trial["method"] = trial["method"].replace({"sanlm": "paper", "ants": "ours"})
    lines = lines_of(trial[trial["level"] != 20], titles | {"paper": "Paper's model", "ours": "Ours"})
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [
        "Noisy, here",
        "**ADF, published**".replace("ADF", "adf"),
        "ADF, bias removed σ, here",
        "**cyclegan, published**",
        "**Paper's model, published**",
        "Paper's model, here",
        "Ours, here",
    ]
    assert "| 20.61 / 0.750 | 20.38 / 0.713 | 19.86 / 0.637 | 18.97 / 0.504 |" in lines[3]
    assert "| 30.60 / 0.740 | 24.60 / 0.670 | 21.00 / 0.600 | – | 16.20 / 0.460 |" in lines[7]


def test_that_the_conventions_differ_is_said_and_on_what_ours_was_measured(trial, titles):
    [brainweb, phantom] = volume_results(pd.concat([trial, trial.assign(volume="phantom_t1w")]), titles)
    caption = published_table(brainweb).caption
    assert "does not state how it measured" in caption
    assert "Here: BrainWeb T1w, slices 70-109, SSIM in 3-D." in caption
    assert "not one of the paper" not in caption
    assert "not one of the paper" in published_table(phantom).caption
