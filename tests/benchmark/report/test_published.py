"""The published scores as printed, and ours with them."""

import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.report import volume_results
from monai_unsup_denoise.benchmark.report.published import published_scores, published_table


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
def test_published_score_is_as_printed(volume, method, level, scores):
    assert published_scores(volume)[method, level] == scores


def test_three_methods_are_published_at_six_levels():
    tables = [published_scores("t1w"), published_scores("pdw")]
    assert [len(table) for table in tables] == [18, 18]
    assert {level for table in tables for _, level in table} == {5, 10, 15, 20, 25, 30}
    assert {method for table in tables for method, _ in table} == {"adf", "cyclegan", "paper"}


@pytest.mark.parametrize("volume", ["phantom_t2w", "t1w_scan", "scan"])
def test_other_contrast_has_no_published_table(trial, methods, volume):
    [results] = volume_results(trial.assign(volume=volume), methods)
    assert published_table(results) is None


def test_our_rows_follow_each_published_one(trial, methods):
    trial["method"] = trial["method"].replace({"sanlm": "paper", "ants": "ours"})
    [volume] = volume_results(trial[trial["level"] != 20], methods)
    rows = {row[0]: row[1:] for row in published_table(volume).rows}
    assert list(rows) == [
        "Noisy, here",
        "**adf, published**",
        "ADF, bias removed σ, here",
        "**cyclegan, published**",
        "**paper, published**",
        "paper, here",
        "ours, here",
    ]
    assert rows["**adf, published**"][:2] == ["20.61 / 0.750", "20.38 / 0.713"]
    assert rows["paper, here"] == ["30.60 / 0.740", "24.60 / 0.670", "21.00 / 0.600", "–", *rows["paper, here"][4:]]


def test_caption_has_the_conventions(trial, methods):
    [brainweb, phantom] = volume_results(pd.concat([trial, trial.assign(volume="phantom_t1w")]), methods)
    caption = published_table(brainweb).caption
    assert "does not state its convention" in caption
    assert "Here: BrainWeb T1w, slices 70-109, SSIM in 3-D." in caption
    assert "not one of the paper" not in caption
    assert "not one of the paper" in published_table(phantom).caption
