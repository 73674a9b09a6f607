"""Cases x methods: same noise for all, nothing computed twice, nothing that fails stops the rest."""

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.cases import make_cases
from monai_unsup_denoise.benchmark.environments import Environment
from monai_unsup_denoise.benchmark.result_cache import ResultCache
from monai_unsup_denoise.benchmark.run import run_benchmark

UNCHANGED = "monai_unsup_denoise.benchmark.baselines.unchanged.Unchanged"
COLUMNS = (
    "volume, level, seed, method, given_sigma, slices, psnr, psnr_fg, ssim_2d, ssim_3d, bias_00_02, bias_02_10, "
    "bias_10_20, bias_20_35, bias_35_60, bias_60_100, sigma_error, residual_lag1, residual_lag2, residual_lag3, "
    "residual_lag4, gradient_correlation, seconds, peak_mib, versions, status"
).split(", ")


@pytest.fixture
def run(tmp_path, cases):
    """Run methods on the cases; what is said of damaged cells is in `run.said`."""

    def run_them(*methods, on=cases) -> pd.DataFrame:
        cells = ResultCache(tmp_path / "out" / "cells", warn=run_them.said.append)
        run_them.find_picture = cells.find_picture
        return run_benchmark(on, methods, cells, results=tmp_path / "out" / "results.csv")

    run_them.said = []
    return run_them


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "log"


def calls(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def statuses(results: pd.DataFrame, method: str) -> list[str]:
    return results[results["method"] == method]["status"].tolist()


def test_the_rows_are_the_grid_with_the_columns_of_results_csv(run, make, tmp_path, volume, cases):
    other = make_cases([replace(volume, name="other", first=2, last=12)], [5], [0, 1])
    methods = [make("Shrink", given_sigma=True), make(UNCHANGED, "noisy")]
    results = run(*methods, on=[*cases, *other])
    assert list(results.columns) == COLUMNS
    expected = [("head", 5, 0, "all"), ("head", 15, 0, "all"), ("other", 5, 0, "2-12"), ("other", 5, 1, "2-12")]
    rows = [(*case[:3], name, case[3]) for case in expected for name in ("shrink", "noisy")]
    found = results[["volume", "level", "seed", "method", "slices"]].itertuples(index=False, name=None)
    assert list(found) == rows
    assert set(results["status"]) == {"ok"}
    assert list(results["given_sigma"]) == ["yes", "no"] * 4
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "results.csv"), results, check_dtype=False)


def test_the_numbers_are_those_of_the_volumes(run, make, cases):
    row = run(make("Shrink", given_sigma=True)).iloc[0]
    error = 0.9 * cases[0].noisy.astype(float) - cases[0].clean
    assert row["psnr"] == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=1e-4)
    assert row["bias_00_02"] == pytest.approx(0.9 * np.sqrt(np.pi / 2), abs=0.05)
    assert row["residual_lag1"] > 0.1, "a tenth of the image was removed"
    assert row["seconds"] < 1 and pd.isna(row["sigma_error"])


def test_the_error_of_a_sigma_that_is_found_is_relative(run, make):
    results = run(make("FindSigma", given_sigma=True))
    np.testing.assert_allclose(results["sigma_error"], 0.1, atol=1e-4)


def test_a_score_without_meaning_is_empty(run, make, tmp_path):
    run(make(UNCHANGED, "noisy"))
    row = pd.read_csv(tmp_path / "out" / "results.csv", dtype=str, keep_default_na=False).iloc[0]
    assert row["residual_lag1"] == row["gradient_correlation"] == row["sigma_error"] == ""


def test_every_method_gets_the_same_noise(run, make, cases):
    run(make(UNCHANGED, "noisy"), make("Shrink"), make("FindSigma", given_sigma=True))
    for level in (5, 15):
        pictures = [run.find_picture("head", level, 0, name) for name in ("noisy", "shrink", "findsigma")]
        np.testing.assert_array_equal(pictures[0]["noisy"], pictures[1]["noisy"])
        np.testing.assert_array_equal(pictures[0]["noisy"], pictures[2]["denoised"])
    middle = cases[0].noisy.shape[2] // 2
    picture = run.find_picture("head", 5, 0, "shrink")
    for name, volume in {"noisy": cases[0].noisy, "clean": cases[0].clean, "denoised": 0.9 * cases[0].noisy}.items():
        assert picture[name].dtype == np.float16
        np.testing.assert_allclose(picture[name], volume[..., middle], atol=1e-3)
    assert run.find_picture("head", 5, 0, "none") is None


def test_sigma_is_told_to_those_alone_that_are_told(run, make, log):
    run(make("Shrink", "blind", parameters={"log": str(log)}))
    run(make("Shrink", "told", parameters={"log": str(log)}, given_sigma=True))
    assert log.read_text().split("\n")[:4] == ["0.9 None None", "0.9 None None", "0.9 0.05 None", "0.9 0.15 None"]


def test_a_finished_cell_is_not_computed_again(run, make, log):
    first = run(make("Shrink", parameters={"log": str(log)}))
    again = run(make("Shrink", parameters={"log": str(log)}))
    assert calls(log) == 2
    pd.testing.assert_frame_equal(first, again)


def test_a_longer_grid_computes_what_is_new_alone(run, make, log, volume):
    run(make("Shrink", parameters={"log": str(log)}))
    run(make("Shrink", parameters={"log": str(log)}), on=make_cases([volume], [5, 10, 15], [0]))
    assert calls(log) == 3


@pytest.mark.parametrize("changed", ["parameters", "given_sigma", "volume", "slices", "versions"])
def test_a_cell_is_computed_again_when_its_inputs_change(changed, run, make, log, volume, interpreters):
    entry = {"parameters": {"log": str(log)}, "requires": ["numpy"]}
    prepared = make("Shrink", **entry)
    run(prepared)
    cases = None
    if changed == "parameters":
        prepared = make("Shrink", **entry | {"parameters": {"log": str(log), "factor": 0.8}})
    elif changed == "given_sigma":
        prepared = make("Shrink", **entry, given_sigma=True)
    elif changed == "volume":
        cases = make_cases([replace(volume, clean=volume.clean**2)], [5, 15], [0])
    elif changed == "slices":
        cases = make_cases([replace(volume, last=12)], [5, 15], [0])
    elif changed == "versions":
        interpreters[0] = Environment(interpreters[0].python, interpreters[0].versions | {"numpy": "0.1"})
        prepared = make("Shrink", **entry)
    run(prepared, **({"on": cases} if cases else {}))
    assert calls(log) == 4


def test_a_cell_is_computed_again_when_its_weights_change(run, make, log, tmp_path):
    (tmp_path / "models").mkdir()
    for content, expected in (("a", 2), ("a", 2), ("b", 4)):
        (tmp_path / "models" / "model.pt").write_text(content)
        run(make("Shrink", parameters={"log": str(log)}, weights="model.pt"))
        assert calls(log) == expected
    assert log.read_text().split()[2] == str(tmp_path / "models" / "model.pt")


def test_a_cell_is_computed_again_when_its_code_changes(run, make, log, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    for factor, expected in ((2, 2), (2, 2), (3, 4)):
        (tmp_path / "own.py").write_text(
            f"class Own:\n    def __call__(self, noisy, sigma):\n        open({str(log)!r}, 'a').write('x\\n')\n"
            f"        return noisy * {factor}\n"
        )
        run(make("own.Own"))
        assert calls(log) == expected


def test_what_fails_is_a_row_and_the_rest_goes_on(run, make, tmp_path):
    methods = [
        make("Raise", given_sigma=True),
        make("Crash", given_sigma=True),
        make("no_such_module.Method", "missing"),
        make("Shrink", "lacking", requires=["no-such-thing"], install="make peers"),
        make("Unbuildable", parameters={"log": str(tmp_path / "log")}),
        make("Shrink"),
    ]
    results = run(*methods)
    assert statuses(results, "raise") == ["ok", "ArithmeticError: too noisy"]
    assert statuses(results, "crash") == ["ok", "its process ended with exit code 3: segment 7 is at fault"]
    assert statuses(results, "missing") == ["no_such_module.Method: no such module; check its dotted path"] * 2
    assert statuses(results, "lacking") == ["no-such-thing not installed: make peers"] * 2
    assert statuses(results, "unbuildable") == ["OSError: no licence"] * 2
    assert statuses(results, "shrink") == ["ok", "ok"]
    failed = results[results["status"] != "ok"]
    assert failed[["psnr", "ssim_3d", "seconds"]].isna().all(axis=None)
    assert results[results["status"] == "ok"]["psnr"].notna().all()


def test_what_failed_is_tried_again_in_the_next_run(run, make, tmp_path):
    entry = {"parameters": {"log": str(tmp_path / "log")}}
    for attempt in (1, 2):
        run(make("Unbuildable", **entry))
        assert calls(tmp_path / "log") == attempt


@pytest.mark.parametrize("damage", ["cut", "empty", "no object", "other columns", "picture cut", "picture gone"])
def test_a_damaged_cell_is_named_and_computed_again(damage, run, make, log, tmp_path):
    methods = make("Shrink", parameters={"log": str(log)})
    first = run(methods)
    cell = tmp_path / "out" / "cells" / "head" / "15_0" / "shrink.json"
    picture = cell.with_suffix(".npz")
    if damage == "cut":
        cell.write_text(cell.read_text()[:99])
    elif damage == "empty":
        cell.write_text("")
    elif damage == "no object":
        cell.write_text("[1, 2]")
    elif damage == "other columns":
        cell.write_text(json.dumps({"inputs": "", "psnr": 1}))
    elif damage == "picture cut":
        picture.write_bytes(picture.read_bytes()[:99])
    else:
        picture.unlink()
    again = run(methods)
    [line] = run.said
    assert line.startswith(f"{cell}: damaged cell") and line.endswith("it is computed again")
    assert calls(log) == 3
    pd.testing.assert_frame_equal(
        again.drop(columns=["seconds", "peak_mib"]), first.drop(columns=["seconds", "peak_mib"])
    )
    run(methods)
    assert calls(log) == 3 and len(run.said) == 1


def test_an_interrupted_run_keeps_what_is_finished_and_goes_on_from_there(run, make, log, tmp_path, cases):
    mark = tmp_path / "pid"
    quick = make("Shrink", parameters={"log": str(log)})
    slow = make("Sleep", parameters={"seconds": 60, "mark": str(mark)})

    def interrupt():
        while not mark.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(quick, slow)
    assert time.monotonic() - start < 30
    found = pd.read_csv(tmp_path / "out" / "results.csv")
    assert found["method"].tolist() == ["shrink", "shrink"]
    run(quick)
    assert calls(log) == 2


def test_results_are_written_after_each_method(run, make, tmp_path, monkeypatch):
    """A later method of the same run sees the file."""
    results = str(tmp_path / "out" / "results.csv")
    (tmp_path / "reader.py").write_text(
        f"class Reader:\n    def __call__(self, noisy, sigma):\n"
        f"        return 0 * noisy + open({results!r}).read().count('shrink')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    run(make("Shrink"), make("reader.Reader", "reader"))
    assert run.find_picture("head", 5, 0, "reader")["denoised"].max() == 2
