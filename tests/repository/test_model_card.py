"""The model card, the metadata and the citations say what was measured, and agree with each other."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from monai_unsup_denoise import __version__

LEVELS = (5, 10, 15, 20, 25, 30)
ROWS = {
    ("brainweb_t1w", "ours"): "BrainWeb T1w",
    ("brainweb_pdw", "ours"): "BrainWeb PDw",
    ("brainweb_t1w", "ours_no_refinement"): "T1w, no refinement",
    ("brainweb_pdw", "ours_no_refinement"): "PDw, no refinement",
}
BUNDLE = "bundles/brain_mri_denoise"
CARD = f"{BUNDLE}/docs/README.md"
DOI = "10.12677/CSA.2021.115129"
TITLE = "An Unsupervised Deep Learning Method for MRI Image Denoising"


@pytest.fixture(scope="module")
def measured(repository: Path) -> pd.DataFrame:
    """The committed results by volume, method and level."""
    results = pd.read_csv(repository / "docs" / "benchmark" / "results.csv")
    return results.set_index(["volume", "method", "level"])


@pytest.fixture(scope="module")
def metadata(repository: Path) -> dict[str, Any]:
    """The metadata of the bundle."""
    return json.loads((repository / BUNDLE / "configs" / "metadata.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("volume", "method"), ROWS)
def test_card_has_the_row_that_was_measured(repository: Path, measured: pd.DataFrame, volume: str, method: str) -> None:
    cells = [measured.loc[(volume, method, level)] for level in LEVELS]
    scores = [f"{cell['psnr']:.2f} / {cell['ssim_3d']:.3f}" for cell in cells]
    row = f"| {ROWS[volume, method]} | " + " | ".join(scores) + " |"
    assert row in (repository / CARD).read_text(encoding="utf-8").splitlines(), f"expected {row}"


def test_metadata_has_the_scores_that_were_measured(metadata: dict[str, Any], measured: pd.DataFrame) -> None:
    expected = {}
    for volume in ("brainweb_t1w", "brainweb_pdw"):
        row = measured.loc[(volume, "ours", 15)]
        expected[f"{volume}_15_percent_psnr"] = round(float(row["psnr"]), 2)
        expected[f"{volume}_15_percent_ssim_3d"] = round(float(row["ssim_3d"]), 3)
    assert metadata["eval_metrics"] == expected


@pytest.mark.parametrize("page", ["README.md", CARD, "CITATION.cff", f"{BUNDLE}/configs/metadata.json"])
def test_page_cites_the_published_method(repository: Path, page: str) -> None:
    text = " ".join((repository / page).read_text(encoding="utf-8").split())
    assert DOI in text
    assert TITLE in text


def test_every_file_names_the_same_version(repository: Path, metadata: dict[str, Any]) -> None:
    def version(path: str, pattern: str) -> str:
        found = re.search(pattern, (repository / path).read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert found, path
        return found[1]

    assert {
        "metadata.json": metadata["version"],
        "CITATION.cff": version("CITATION.cff", r"^version: (\S+)$"),
        "app.yaml": version("apps/deploy/app.yaml", r"^  version: (\S+)$"),
        "CHANGELOG.md": version("CHANGELOG.md", r"^## \[(\d\S*)\]"),
    } == dict.fromkeys(("metadata.json", "CITATION.cff", "app.yaml", "CHANGELOG.md"), __version__)
