"""`mri-denoise benchmark --repeats`: from a folder of repeated scans to a table and pictures."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

TOYS = Path(__file__).parents[1] / "benchmark"
UNCHANGED = "monai_unsup_denoise.benchmark.baselines.unchanged.Unchanged"


@pytest.fixture(autouse=True)
def scans(tmp_path, monkeypatch) -> Path:
    """Six noisy repeats of a bar, and settings with toy methods."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(TOYS))
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setattr("monai_unsup_denoise.cli.benchmark.bundle_folder", lambda: tmp_path / "bundle")
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    smooth = {"title": "Smooth", "target": "toy_methods.Smooth", "given_sigma": True, "given_spectrum": True}
    settings = {
        "methods": {"noisy": {"title": "Noisy", "target": UNCHANGED}},
        "repeats": {"methods": ["noisy", "smooth"]},
        "more_methods": {"smooth": smooth},
    }
    (tmp_path / "bundle" / "configs" / "benchmark.json").write_text(json.dumps(settings))
    noise = np.random.default_rng(0).standard_normal((2, 24, 22, 8, 6))
    bar = 1000 * (np.abs(np.arange(22) - 10) < 8)[:, None, None]  # along the first axis, over which the toy averages
    series = np.hypot(bar + 50 * noise[0], 50 * noise[1]).astype(np.float32)
    (tmp_path / "in" / "bar").mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(series, np.eye(4)), tmp_path / "in" / "bar" / "series.nii.gz")
    return tmp_path / "in"


def test_repeats_give_results_table_and_pictures(mri_denoise, scans):
    outcome = mri_denoise("benchmark", "--repeats", scans)
    assert outcome.code == 0, outcome.err
    assert outcome.out.split() == ["benchmark/repeats.csv", "benchmark/repeats.md", "benchmark/repeats"]
    found = pd.read_csv("benchmark/repeats.csv").set_index("method")
    assert found.index.tolist() == ["noisy", "smooth"] and set(found["volume"]) == {"bar"}
    assert found["gain"]["noisy"] == 0
    assert found["gain"]["smooth"] == pytest.approx(10 * np.log10(3), abs=0.4)
    assert found["sigma_ratio"]["smooth"] == 2 and found["level"]["smooth"] == pytest.approx(4.5, abs=0.5)
    page = Path("benchmark/repeats.md").read_text()
    assert f"| +0.00 | {found['gain']['smooth']:+.2f} |" in page
    assert "mri-denoise benchmark --repeats FOLDER\n" in page and str(scans) not in page
    assert [path.name for path in Path("benchmark/repeats").iterdir()] == ["bar.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--repeats", "gone"], "gone: no such file or folder"),
        (["--repeats", "{scans}", "--level", 5], "--repeats takes no --volume, --noise, --level"),
        (["--repeats", "{scans}", "--method", "bm5d"], "--method bm5d: no such method; choose from noisy, smooth"),
    ],
)
def test_mistake_about_repeats_is_one_line(options, message, mri_denoise, scans):
    outcome = mri_denoise("benchmark", *(str(word).format(scans=scans) for word in options))
    assert outcome.code == 1 and outcome.err.startswith(f"error: {message}") and outcome.err.count("\n") == 1
