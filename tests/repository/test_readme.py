"""The figures in the model card are those of the committed evaluation."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

LEVELS = ("05", "10", "15", "20", "25", "30")
TITLES = {"phantom": "phantom subject 11", "brainweb_t1w": "BrainWeb T1w", "brainweb_pdw": "BrainWeb PDw"}


PAGE = "bundles/brain_mri_denoise/docs/README.md"


@pytest.mark.parametrize("name", TITLES)
def test_a_row_of_the_table_is_what_was_measured(repository: Path, name: str) -> None:
    with (repository / "docs" / "evaluation" / f"{name}.csv").open() as file:
        measured = {row[0]: float(row[1]) for row in csv.reader(file) if row}
    cells = [f"{measured[f'psnr_{level}']:.2f} / {measured[f'ssim_{level}']:.3f}" for level in LEVELS]
    row = f"| {TITLES[name]} | " + " | ".join(cells) + " |"
    assert row in (repository / PAGE).read_text().splitlines(), f"expected {row}"
