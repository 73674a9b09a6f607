"""`mri-denoise benchmark`: from a command to tables, and its messages when results are missing."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

TOYS = Path(__file__).parents[1] / "benchmark"
METHODS = {
    "noisy": {"title": "Noisy", "target": "monai_unsup_denoise.benchmark.baselines.unchanged.Unchanged"},
    "shrink": {"title": "Shrink", "target": "toy_methods.Shrink", "given_sigma": True, "note": "A toy."},
    "crash": {"title": "Crash", "target": "toy_methods.Crash", "given_sigma": True},
    "lacking": {
        "title": "Lacking",
        "target": "toy_methods.Shrink",
        "requires": ["no-such"],
        "install": "make baselines",
    },
    "untrained": {"title": "Untrained", "target": "toy_methods.Shrink", "weights": "model_x.pt"},
    "sleep": {"title": "Sleep", "target": "toy_methods.Sleep", "parameters": {"seconds": 60}},
}


@pytest.fixture
def settings(tmp_path, monkeypatch) -> dict:
    """Settings with toy methods in a bundle of their own; call `settings.write()` after a change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(TOYS))
    monkeypatch.syspath_prepend(str(TOYS))
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    monkeypatch.setattr("monai_unsup_denoise.cli.benchmark.bundle_folder", lambda: tmp_path / "bundle")
    content = {
        "volumes": ["scan.nii"],
        "levels": [5, 15],
        "seeds": [0],
        "slices": {},
        "quick": {"levels": [30], "slices": {"scan": "11"}, "remark": "Reduced grid."},
        "methods": METHODS,
    }
    (tmp_path / "bundle" / "configs" / "benchmark.json").write_text(json.dumps(content))
    return content


@pytest.fixture(autouse=True)
def scan(tmp_path) -> Path:
    values = np.zeros((20, 18, 14), dtype=np.float32)
    values[4:-4, 4:-4, 1:-1] = np.linspace(300, 900, 12)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "scan.nii")
    return tmp_path / "scan.nii"


def results(folder: str = "benchmark") -> pd.DataFrame:
    return pd.read_csv(Path(folder) / "results.csv")


def test_scan_gives_results_tables_and_figures(settings, mri_denoise):
    outcome = mri_denoise("benchmark", "--method", "noisy", "--method", "shrink")
    assert outcome.code == 0, outcome.err
    assert outcome.out.split() == ["benchmark/results.csv", "benchmark/tables.md", "benchmark/figures"]
    assert all(Path(line).exists() for line in outcome.out.split())
    found = results()
    assert found[["volume", "level", "seed", "method", "slices"]].values.tolist() == [
        ["scan", level, 0, method, "all"] for level in (5, 15) for method in ("noisy", "shrink")
    ]
    tables = Path("benchmark/tables.md").read_text()
    assert f"{found['psnr'][0]:.2f}" in tables and "Shrink" in tables and "A toy." in tables
    assert list(Path("benchmark/figures").glob("*.png"))


def test_keep_others_keeps_rows_that_are_not_computed(settings, mri_denoise):
    assert mri_denoise("benchmark", "--method", "noisy", "--method", "crash").code == 3
    before = results()
    assert mri_denoise("benchmark", "--method", "shrink", "--keep-others").code == 3, "a crash is still a row"
    after = results()
    assert after["method"].tolist() == ["noisy", "shrink", "crash"] * 2
    kept = after[after["method"] != "shrink"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, before)
    tables = Path("benchmark/tables.md").read_text()
    assert all(f"| {title}" in tables for title in ("Noisy", "Shrink", "Crash"))
    assert mri_denoise("benchmark", "--method", "noisy", "--level", 15, "--keep-others").code == 3
    pd.testing.assert_frame_equal(results(), after)
    assert mri_denoise("benchmark", "--method", "shrink").code == 0
    assert set(results()["method"]) == {"shrink"}


def test_file_that_is_no_table_is_refused_at_once(settings, mri_denoise):
    Path("benchmark").mkdir()
    Path("benchmark/results.csv").write_text("a,b\n1,2\n")
    outcome = mri_denoise("benchmark", "--method", "noisy", "--keep-others")
    assert outcome.code == 1 and "no table of results" in outcome.err and "Traceback" not in outcome.err
    assert Path("benchmark/results.csv").read_text() == "a,b\n1,2\n"


def test_options_replace_the_settings(settings, mri_denoise, scan):
    options = ["--level", 12.5, "--level", 5, "--seed", 3, "--slices", "1-12", "--volume", f"mine={scan}"]
    outcome = mri_denoise("benchmark", "--method", "noisy", *options, "--output-dir", "deep/folder", "--threads", 2)
    assert outcome.code == 0, outcome.err
    found = results("deep/folder")
    assert found["level"].tolist() == [5, 12.5] and found["seed"].tolist() == [3, 3]
    assert set(found["volume"]) == {"mine"} and set(found["slices"]) == {"1-12"}
    tables = Path("deep/folder/tables.md").read_text()
    assert "2 threads" in tables and "Reduced grid." not in tables
    given = "--volume mine=SCAN --level 12.5 --level 5 --method noisy --seed 3 --slices 1-12 --threads 2"
    assert f"mri-denoise benchmark {given}\n" in tables


def test_quick_grid_is_marked_as_reduced(settings, mri_denoise):
    assert mri_denoise("benchmark", "--quick", "--method", "noisy").code == 0
    assert results()["level"].tolist() == [30] and results()["slices"].tolist() == ["1-11"]
    assert "Reduced grid." in Path("benchmark/tables.md").read_text()


def test_missing_results_are_listed_and_exit_code_is_3(settings, mri_denoise):
    chosen = [word for name in METHODS if name != "sleep" for word in ("--method", name)]
    outcome = mri_denoise("benchmark", *chosen)
    assert outcome.code == 3
    assert outcome.err.splitlines() == [
        "error: 5 of 10 results are missing:",
        "  crash: its process ended with exit code 3: segment 7 is at fault (1 of 2)",
        "  lacking: no-such not installed: make baselines (2 of 2)",
        "  untrained: model_x.pt not found (2 of 2)",
    ]
    assert (results()["status"] == "ok").sum() == 5


def test_weights_come_from_models_dir_or_the_bundle(settings, mri_denoise, tmp_path):
    for folder in (tmp_path / "mine", tmp_path / "bundle" / "models"):
        folder.mkdir()
        (folder / "model_x.pt").touch()
        where = ["--models-dir", folder] if folder.name == "mine" else []
        assert mri_denoise("benchmark", "--method", "untrained", *where).code == 0


def test_damaged_cell_is_one_line_and_no_failure(settings, mri_denoise):
    mri_denoise("benchmark", "--method", "noisy")
    cell = Path("benchmark/cells/scan/5_0/noisy.json")
    cell.write_text("{")
    outcome = mri_denoise("benchmark", "--method", "noisy")
    assert outcome.code == 0
    assert outcome.err == f"{cell}: damaged cell (JSONDecodeError); it is computed again\n"


def test_ctrl_c_keeps_finished_results(settings, mri_denoise):
    def interrupt() -> None:
        while not Path("benchmark/results.csv").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    outcome = mri_denoise("benchmark", "--method", "noisy", "--method", "sleep")
    assert outcome.code == 130
    assert outcome.err == ("stopped; finished results are kept in benchmark: the same command continues there\n")
    assert results()["method"].tolist() == ["noisy", "noisy"]
    assert not Path("benchmark/tables.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "bm5d"], "--method bm5d: no such method; choose from noisy, shrink, "),
        (["--level", "0"], "--level 0: must be above 0"),
        (["--level", "200"], "--level 200: must be above 0"),
        (["--volume", "gone.nii"], "gone.nii: no such file"),
        (["--slices", "5-99"], "{scan}: no slices 5-99 in a volume of 14"),
        (["--slices", "8"], "{scan}: 20 x 18 x 8 voxels, but SSIM needs 11"),
        (["--baselines-python", "gone/python"], "{folder}/gone/python: not a working Python"),
        (["--output-dir", "scan.nii"], "scan.nii: cannot be made (File exists); give another --output-dir"),
    ],
)
def test_mistake_is_one_line_and_computes_nothing(arguments, message, settings, mri_denoise, tmp_path):
    settings_volume = [] if "--volume" in arguments else ["--volume", tmp_path / "scan.nii"]
    outcome = mri_denoise("benchmark", *arguments, *settings_volume)
    assert outcome.code == 1
    assert outcome.err.startswith("error: " + message.format(scan=tmp_path / "scan.nii", folder=tmp_path))
    assert outcome.err.count("\n") == 1 and outcome.out == ""
    assert not list(tmp_path.rglob("results.csv"))


def test_constant_volume_is_named(settings, mri_denoise, tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.full((20, 20, 20), 7, np.float32), np.eye(4)), tmp_path / "flat.nii")
    outcome = mri_denoise("benchmark", "--volume", tmp_path / "flat.nii")
    assert outcome.code == 1
    assert outcome.err == f"error: {tmp_path}/flat.nii: all voxels are 7; give a scan that shows something\n"


def test_every_option_is_explained(mri_denoise):
    text = mri_denoise("benchmark", "--help").out
    for option in (
        "volume",
        "level",
        "method",
        "seed",
        "slices",
        "models-dir",
        "baselines-python",
        "output-dir",
        "threads",
    ):
        assert f"--{option}" in text
