"""The committed page on repeated scans is that of the committed results."""

import json

import pandas as pd

from monai_unsup_denoise.benchmark.methods import choose_methods
from monai_unsup_denoise.benchmark.report import Report, write_repeats_report


def test_page_has_the_tables_of_the_results(repository, tmp_path):
    folder = repository / "docs" / "benchmark"
    settings = json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())
    results = pd.read_csv(folder / "repeats.csv")
    methods = choose_methods(settings["methods"] | settings["more_methods"], results["method"].unique())
    write_repeats_report(tmp_path, results, methods, lambda *_: None, Report())
    expected, page = (path.read_text(encoding="utf-8") for path in (tmp_path / "repeats.md", folder / "repeats.md"))
    tables = [line for line in expected.splitlines() if line.startswith("|")]
    assert len(tables) > 3 * results["volume"].nunique()
    assert tables == [line for line in page.splitlines() if line.startswith("|")]
    pictures = {f"{name}.png" for name in results["volume"]}
    assert {path.name for path in (folder / "repeats").iterdir()} == pictures
    assert all(f"(repeats/{name})" in page for name in pictures)
