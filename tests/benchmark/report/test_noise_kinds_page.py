"""The page on kinds of noise: its tables have the values of the results, and show every kind."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.methods import choose_methods
from monai_unsup_denoise.benchmark.report import Report, write_kinds_report
from monai_unsup_denoise.functional import SCANNER_KINDS


@pytest.fixture
def results(trial) -> pd.DataFrame:
    """Two kinds; in the second one SANLM is 2 dB worse, reads sigma and correlation, and ANTs failed at 5 %."""
    frame = trial[trial["level"] <= 10].assign(kind="white", lag1_error=np.nan)
    other = frame.assign(kind="g_map")
    sanlm, failed = other["method"] == "sanlm", (other["method"] == "ants") & (other["level"] == 5)
    other.loc[sanlm, ["psnr", "sigma_error", "lag1_error"]] = [[27.6, 0.25, 0.03], [21.6, -0.5, 0.04]]
    other.loc[failed, ["psnr", "ssim_3d", "status"]] = [np.nan, np.nan, "killed"]
    return pd.concat([frame, other], ignore_index=True)


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the table under a title, header first."""
    lines = page.partition(f"### {title}\n")[2].partition("###")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if re.match(r"\| [a-z]", line)]


def test_page_has_the_values_of_every_kind(results, methods, find_images, tmp_path):
    def find(volume, level, seed, method, *, kind):
        return find_images(volume, 15, seed, method) if (kind, level) == ("g_map", 10) else None

    report = Report(command="mri-denoise benchmark --noise all", conditions="one thread")
    write_kinds_report(tmp_path, results, methods, find, report)
    page = (tmp_path / "noise_kinds.md").read_text(encoding="utf-8")
    titles = ["Noisy", "ADF, bias removed σ", "DIPY nlmeans σ", "SANLM", "ANTs", "BM4D + VST σ"]
    head, *quality = rows(page, "PSNR in dB / SSIM in 3-D")
    assert head == ["kind", "level", *titles]
    assert [row[:2] for row in quality] == [[k, level] for k in ("white", "g_map") for level in ("5 %", "10 %")]
    assert quality[0][5:] == ["**30.60** / **0.740**", "28.70 / 0.690", "37.20★ / 0.930★"]
    assert quality[2][5:7] == ["**27.60** / **0.740**", "–"]
    head, *gains = rows(page, "Gain in dB")
    assert head == ["kind", "level", *titles[1:]]
    assert [row[4] for row in gains] == ["+5.60", "+5.60", "+2.60", "+2.60"]
    assert gains[2][5] == "–"
    assert rows(page, "Sigma read over true") == [
        *(["kind", "level", "SANLM"], ["white", "5 %", "1.01"], ["white", "10 %", "1.01"]),
        *(["g_map", "5 %", "1.25"], ["g_map", "10 %", "0.50"]),
    ]
    assert rows(page, "Error of the correlation read")[-2:] == [["g_map", "5 %", "0.03"], ["g_map", "10 %", "0.04"]]
    assert "- g_map: BrainWeb T1w, ANTs, at 5 %: killed" in page
    assert "mri-denoise benchmark --noise all" in page and "one thread" in page and "BM4D + VST: bm4d 4.2.5" in page
    assert "](noise_kinds/brainweb_t1w_g_map.png)" in page
    assert [path.name for path in (tmp_path / "noise_kinds").iterdir()] == ["brainweb_t1w_g_map.png"]


def test_committed_page_is_that_of_the_committed_results(repository, tmp_path):
    folder = repository / "docs" / "benchmark"
    settings = json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())
    results = pd.read_csv(folder / "noise_kinds.csv")
    methods = choose_methods(settings["methods"] | settings["more_methods"], results["method"].unique())
    write_kinds_report(tmp_path, results, methods, lambda *_, **__: None, Report())
    expected, page = (path.read_text("utf-8") for path in (tmp_path / "noise_kinds.md", folder / "noise_kinds.md"))
    tables = [line for line in expected.splitlines() if line.startswith("|")]
    assert tables == [line for line in page.splitlines() if line.startswith("|")]
    assert {line.split()[1] for line in tables} >= {*SCANNER_KINDS}
    pictures = {f"{volume}_{kind}.png" for volume, kind in zip(results["volume"], results["kind"], strict=True)}
    assert {path.name for path in (folder / "noise_kinds").iterdir()} == pictures
    assert all(f"(noise_kinds/{name})" in page for name in pictures)
