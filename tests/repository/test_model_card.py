"""What the model card says is what was measured."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

LEVELS = ("5", "10", "15", "20", "25", "30")
ROWS = {
    ("brainweb_t1w", "ours"): "BrainWeb T1w",
    ("brainweb_pdw", "ours"): "BrainWeb PDw",
    ("brainweb_t1w", "ours_fast"): "T1w, `fast`",
    ("brainweb_pdw", "ours_fast"): "PDw, `fast`",
}
PAGE = "bundles/brain_mri_denoise/docs/README.md"


@pytest.mark.parametrize(("volume", "method"), ROWS)
def test_a_row_of_the_table_is_what_was_measured(repository: Path, volume: str, method: str) -> None:
    with (repository / "docs" / "benchmark" / "results.csv").open() as file:
        measured = {(row["volume"], row["method"], row["level"]): row for row in csv.DictReader(file)}
    cells = [measured[volume, method, level] for level in LEVELS]
    scores = [f"{float(cell['psnr']):.2f} / {float(cell['ssim_3d']):.3f}" for cell in cells]
    row = f"| {ROWS[volume, method]} | " + " | ".join(scores) + " |"
    assert row in (repository / PAGE).read_text().splitlines(), f"expected {row}"
