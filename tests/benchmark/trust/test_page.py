"""The page of all checks says which bounds are missed."""

import math

import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.trust.page import misses, trust_page
from monai_unsup_denoise.benchmark.trust.run import COLUMNS


def table(*rows):
    """Of white noise of 5 %: check, group, what the noisy image has, what the method has, standard error."""
    found = []
    for check, group, noisy, value, error in rows:
        for method, one in (("noisy", noisy), ("ours", value)):
            found.append(("white", 5.0, method, check, group, one, error, 8))
    return pd.DataFrame(found, columns=list(COLUMNS)).sort_values("method", kind="stable", ignore_index=True)


@pytest.mark.parametrize(
    ("check", "group", "noisy", "right", "wrong"),
    [
        ("lesion contrast kept", "4 mm, CNR 3", 1.0, 0.951, 0.949),
        ("lesion contrast kept", "cortex", 1.0, 0.951, 0.949),
        ("lesion detection, AUC", "4 mm, CNR 3", 0.8, 0.79, 0.77),
        ("one spot or two, AUC", "3 mm", 0.8, 0.79, 0.77),
        ("false alarms", "places", 0.1, 0.1, 0.11),
        ("true frequency", "mean of patches", 0.6, 0.6, 0.59),
        ("mean", "grey matter", 0.0, -0.0099, -0.0101),
        ("contrast", "grey and white matter", 0.0, -0.019, -0.021),
        ("volume", "CSF", -0.4, 0.0049, 0.0051),
        ("NRMSE after / before", "worst head", 1.0, 0.999, 1.0),
        ("PSNR without noise", "T1w", math.inf, 45.1, 44.9),
        ("artefact", "ghost", 0.8, 0.73, 0.71),
    ],
)
def test_bounds_are_those_that_the_docs_state(check, group, noisy, right, wrong):
    error = 0.01 if "AUC" in check else math.nan
    assert not list(misses(table((check, group, noisy, right, error))))
    [missed] = misses(table((check, group, noisy, wrong, error)))
    assert (missed["check"], missed["group"], missed["method"]) == (check, group, "ours")


def test_faint_lesions_and_rows_without_a_value_have_no_bound():
    rows = table(
        ("lesion contrast kept", "2 mm, CNR 1", 1.0, 0.5, 0.1),
        ("lesion size kept", "2 mm, CNR 3", 1.0, 0.5, 0.1),
        ("lesion detection, AUC", "2 mm, CNR 1", math.nan, math.nan, math.nan),
    )
    assert not list(misses(rows))
    assert "meets 0 of 0 bounds" in trust_page(rows)


def test_page_counts_what_is_met_and_marks_what_is_not():
    rows = table(("artefact", "ghost", 0.8, 0.2, 0.01), ("mean", "CSF", 0.0, 0.002, math.nan))
    rows = pd.concat([rows, rows.assign(kind="rotated")])
    page = trust_page(rows)
    assert page.count("- ours meets 1 of 2 bounds.") == 2 and "## Noise: rotated, 5 %" in page
    assert "| artefact | ghost | 0.9 of noisy or more | 0.800 ± 0.010 | **0.200 ± 0.010** |" in page
    assert "| mean | CSF | within 0.01 | 0.000 | 0.002 |" in page


def test_rows_of_every_level_are_on_the_page():
    rows = table(("PSNR without noise", "T1w", math.inf, 40.0, math.nan), ("mean", "CSF", 0.0, 0.0, math.nan))
    rows.loc[rows["check"] == "PSNR without noise", "level"] = None
    assert len(list(misses(rows))) == 1
    assert "| PSNR without noise | T1w | 45 dB or more | inf | **40.0** |" in trust_page(rows)
