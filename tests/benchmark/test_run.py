"""Methods x cases: the same noise for all, nothing computed twice, no failure stops the rest."""

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
from monai_unsup_denoise.benchmark.result_cache import ResultCache
from monai_unsup_denoise.benchmark.run import read_results, run_benchmark

UNCHANGED = "monai_unsup_denoise.benchmark.baselines.unchanged.Unchanged"
COLUMNS = (
    "volume, level, seed, method, given_sigma, slices, psnr, psnr_fg, ssim_2d, ssim_3d, bias_00_02, bias_02_10, "
    "bias_10_20, bias_20_35, bias_35_60, bias_60_100, sigma_error, residual_lag1, residual_lag2, residual_lag3, "
    "residual_lag4, gradient_correlation, seconds, peak_mib, versions, status"
).split(", ")


def statuses(results: pd.DataFrame, method: str) -> list[str]:
    return results[results["method"] == method]["status"].tolist()


def test_rows_are_the_grid_with_the_columns_of_results_csv(run, make, tmp_path, volume, cases):
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


def test_numbers_are_those_of_the_volumes(run, make, cases):
    row = run(make("Shrink", given_sigma=True)).iloc[0]
    error = 0.9 * cases[0].noisy.astype(float) - cases[0].clean
    assert row["psnr"] == pytest.approx(-10 * np.log10(np.mean(error**2)), abs=1e-4)
    assert row["bias_00_02"] == pytest.approx(0.9 * np.sqrt(np.pi / 2), abs=0.05)
    assert row["residual_lag1"] > 0.1, "a tenth of the image was removed"
    assert row["seconds"] < 1 and pd.isna(row["sigma_error"])


def test_error_of_the_estimated_sigma_is_relative(run, make):
    results = run(make("FindSigma", given_sigma=True))
    np.testing.assert_allclose(results["sigma_error"], 0.1, atol=1e-4)


def test_undefined_score_is_empty(run, make, tmp_path):
    run(make(UNCHANGED, "noisy"))
    row = pd.read_csv(tmp_path / "out" / "results.csv", dtype=str, keep_default_na=False).iloc[0]
    assert row["residual_lag1"] == row["gradient_correlation"] == row["sigma_error"] == ""


def test_every_method_gets_the_same_noise(run, make, cases):
    run(make(UNCHANGED, "noisy"), make("Shrink"), make("FindSigma", given_sigma=True))
    for level in (5, 15):
        pictures = [run.find_images("head", level, 0, name) for name in ("noisy", "shrink", "findsigma")]
        np.testing.assert_array_equal(pictures[0]["noisy"], pictures[1]["noisy"])
        np.testing.assert_array_equal(pictures[0]["noisy"], pictures[2]["denoised"])
    middle = cases[0].noisy.shape[2] // 2
    picture = run.find_images("head", 5, 0, "shrink")
    for name, volume in {"noisy": cases[0].noisy, "clean": cases[0].clean, "denoised": 0.9 * cases[0].noisy}.items():
        assert picture[name].dtype == np.float16
        np.testing.assert_allclose(picture[name], volume[..., middle], atol=1e-3)
    assert run.find_images("head", 5, 0, "none") is None


def test_blind_methods_are_not_given_sigma(run, make, log):
    run(make("Shrink", "blind", parameters={"log": log.path}))
    run(make("Shrink", "given", parameters={"log": log.path}, given_sigma=True))
    assert Path(log.path).read_text().split("\n")[:4] == [
        "0.9 None None",
        "0.9 None None",
        "0.9 0.05 None",
        "0.9 0.15 None",
    ]


def test_failure_is_a_row_and_the_rest_goes_on(run, make, tmp_path):
    methods = [
        make("Raise", given_sigma=True),
        make("Crash", given_sigma=True),
        make("no_such_module.Method", "missing"),
        make("Shrink", "lacking", requires=["no-such-thing"], install="make baselines"),
        make("Unbuildable", parameters={"log": str(tmp_path / "log")}),
        make("Shrink"),
    ]
    results = run(*methods)
    assert statuses(results, "raise") == ["ok", "ArithmeticError: too noisy"]
    assert statuses(results, "crash") == ["ok", "its process ended with exit code 3: segment 7 is at fault"]
    assert statuses(results, "missing") == ["no_such_module.Method: no such module; check its dotted path"] * 2
    assert statuses(results, "lacking") == ["no-such-thing not installed: make baselines"] * 2
    assert statuses(results, "unbuildable") == ["OSError: no licence"] * 2
    assert statuses(results, "shrink") == ["ok", "ok"]
    failed = results[results["status"] != "ok"]
    assert failed[["psnr", "ssim_3d", "seconds"]].isna().all(axis=None)
    assert results[results["status"] == "ok"]["psnr"].notna().all()


def test_failure_is_tried_again_in_the_next_run(run, make, log):
    for attempt in (1, 2):
        run(make("Unbuildable", parameters={"log": log.path}))
        assert log.calls() == 2 * attempt


def test_interrupted_run_keeps_finished_cells_and_continues(run, make, log, tmp_path, cases):
    mark = tmp_path / "pid"
    quick = make("Shrink", parameters={"log": log.path})
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
    assert log.calls() == 2


def test_results_are_written_after_each_method(run, make, tmp_path, write_module):
    """A later method of the same run reads the file."""
    results = str(tmp_path / "out" / "results.csv")
    reader = write_module("reader", f"return 0 * noisy + open({results!r}).read().count('shrink')")
    run(make("Shrink"), make(reader, "reader"))
    assert run.find_images("head", 5, 0, "reader")["denoised"].max() == 2


def test_previous_rows_stay_where_there_are_no_new_ones(run, make, tmp_path, cases):
    first = run(make("Shrink"), make(UNCHANGED, "noisy"))
    cache = ResultCache(tmp_path / "other")
    new = make("Shrink", parameters={"factor": 0.5})
    order = ["noisy", "shrink"]
    both = run_benchmark(cases[:1], [new], cache, results=tmp_path / "r.csv", previous=first, order=order)
    assert both[["level", "method"]].values.tolist() == [[5, "noisy"], [5, "shrink"], [15, "noisy"], [15, "shrink"]]
    changed = both["psnr"].to_numpy() != first.sort_values(["level", "method"])["psnr"].to_numpy()
    assert changed.tolist() == [False, True, False, False]
    pd.testing.assert_frame_equal(read_results(tmp_path / "r.csv"), both, check_dtype=False)
