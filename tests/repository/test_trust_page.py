"""What docs/trust.md says of lesions and of the uncertainty is what was measured."""

from __future__ import annotations

import pandas as pd
import pytest

from experiments.uncertainty.calibration import coverage_table
from monai_unsup_denoise.benchmark.trust.page import misses, trust_page
from tests.repository.trust_claims import PAGE, ROOT, TRUST, claims


@pytest.mark.parametrize(("page", "words"), list(claims()))
def test_page_says_what_was_measured(page: str, words: str) -> None:
    assert words in " ".join((ROOT / page).read_text(encoding="utf-8").split())


def test_committed_page_is_that_of_the_table() -> None:
    assert (ROOT / "docs/trust/trust.md").read_text(encoding="utf-8") == trust_page(TRUST)


def test_every_kind_of_bound_that_is_missed_is_named_first() -> None:
    words = {
        "lesion contrast kept": "fade",
        "lesion detection, AUC": "harder to detect",
        "one spot or two, AUC": "two spots",
        "false alarms": "False alarms",
        "mean": "Means",
        "contrast": "Contrast** of grey and white",
        "volume": "Volumes",
        "artefact": "Ringing",
    }
    first = " ".join((ROOT / PAGE).read_text(encoding="utf-8").split("What it meets")[0].split())
    for row in misses(TRUST):
        assert row["method"] != "ours" or words[row["check"]] in first, row


def test_page_has_tables_of_uncertainty_and_known_scans() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert coverage_table(pd.read_csv(ROOT / "docs/uncertainty.csv")).strip() in page
    for row in pd.read_csv(ROOT / "docs/known_scans.csv").to_dict("records"):
        assert f"| {row['images']} | {row['count']} | {100 * row['unlike']:.0f} % |" in page
