"""`mri-denoise benchmark --noise`: a table of its own for other kinds of noise than white."""

import json
import re
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

TOYS = Path(__file__).parents[1] / "benchmark"
METHODS = {
    "noisy": {"title": "Noisy", "target": "monai_unsup_denoise.benchmark.baselines.unchanged.Unchanged"},
    "shrink": {"title": "Shrink", "target": "toy_methods.Shrink"},
}
READ = {"title": "Read", "target": "toy_methods.ReadNoise", "given_sigma": True, "given_spectrum": True}


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch) -> None:
    """A scan and settings with toy methods."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(TOYS))
    monkeypatch.syspath_prepend(str(TOYS))
    monkeypatch.setattr("monai_unsup_denoise.cli.benchmark.bundle_folder", lambda: tmp_path / "bundle")
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    content = {
        **{"volumes": ["scan.nii"], "levels": [5, 15], "seeds": [0], "slices": {}, "methods": METHODS},
        "noise_kinds": {"methods": ["noisy", "read"], "levels": [10]},
        "more_methods": {"read": READ},
    }
    (tmp_path / "bundle" / "configs" / "benchmark.json").write_text(json.dumps(content))
    values = np.zeros((20, 18, 14), dtype=np.float32)
    values[4:-4, 4:-4, 1:-1] = np.linspace(300, 900, 12)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scan.nii")


def test_kinds_give_a_table_of_their_own(mri_denoise):
    outcome = mri_denoise("benchmark", "--noise", "rotated", "--noise", "white")
    assert outcome.code == 0, outcome.err
    assert outcome.out.split() == [f"benchmark/noise_kinds{end}" for end in (".csv", ".md", "")]
    found = pd.read_csv("benchmark/noise_kinds.csv")
    rows = [[kind, 10, method] for kind in ("white", "rotated") for method in ("noisy", "read")]
    assert found[["kind", "level", "method"]].values.tolist() == rows
    assert mri_denoise("benchmark", "--noise", "rotated", "--method", "shrink", "--keep-others").code == 0
    page = Path("benchmark/noise_kinds.md").read_text()
    [white, rotated] = re.findall(r"^\| (?:white|rotated) \| 10 % \|.*$", page, re.MULTILINE)[:2]
    assert f"{found['psnr'][0]:.2f}" in white
    assert "| kind | level | Noisy | Shrink | Read σ |" in page
    assert "–" in white and "–" not in rotated, "white noise was not shrunk"
    assert "mri-denoise benchmark --keep-others --noise rotated --method shrink\n" in page
    assert not Path("benchmark/results.csv").exists()


def test_white_noise_alone_is_the_default(mri_denoise):
    assert mri_denoise("benchmark", "--method", "noisy", "--noise", "white").code == 0
    found = pd.read_csv("benchmark/results.csv")
    assert "kind" not in found and found["level"].tolist() == [5, 15]
    assert {path.name for path in Path("benchmark/cells/scan").iterdir()} == {"5_0", "15_0"}
    assert not Path("benchmark/noise_kinds.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--noise", "pink"], "--noise pink: no such kind; choose from white, "),
        (["--noise", "all", "--repeats", "scan.nii"], "--repeats takes no --volume, --noise, "),
        (["--method", "read"], "--method read: no such method; choose from noisy, shrink"),
    ],
)
def test_mistake_about_kinds_is_one_line(options, message, mri_denoise):
    outcome = mri_denoise("benchmark", *options)
    assert outcome.code == 1 and outcome.err.startswith(f"error: {message}") and outcome.err.count("\n") == 1
    assert not Path("benchmark").exists()
