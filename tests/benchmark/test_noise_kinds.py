"""Kinds of noise: what is drawn, what a method is told about it, and the rows of their own table."""

import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from monai_unsup_denoise.benchmark.cases import Case, Volume
from monai_unsup_denoise.benchmark.noise_kinds import KIND_COLUMNS, KindCase, find_kinds, make_kind_cases
from monai_unsup_denoise.benchmark.result_cache import ResultCache
from monai_unsup_denoise.benchmark.run import read_results, run_benchmark
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import SCANNER_KINDS

CASE = ("volume", "kind", "level", "seed")
ONE_COIL = [kind for kind, scanner in SCANNER_KINDS.items() if scanner.coils == 1]


@pytest.fixture
def measure(tmp_path):
    """Run methods on cases of kinds, as the command does."""

    def run(cases, *methods, previous=None) -> pd.DataFrame:
        cells = ResultCache(tmp_path / "cells", warn=pytest.fail)
        table = {"results": tmp_path / "noise_kinds.csv", "scores": KIND_COLUMNS, "case_columns": CASE}
        table["order"] = ["shrink", "readnoise"]
        return run_benchmark(cases, methods, cells, previous=previous, **table)

    return run


def bright(kind: str) -> KindCase:
    """An even volume of 50 sigma, in which the noise is nearly Gaussian."""
    return KindCase(Volume("bright", np.ones((40, 44, 24), np.float32), 2, 21), 2, 0, kind)


def test_default_noise_is_white_as_in_earlier_versions(volume):
    case = Case(volume, 15, 3)
    generator = torch.Generator().manual_seed(zlib.crc32(b"3 15 head"))
    first, second = torch.randn((2, *volume.clean.shape), generator=generator).numpy()
    np.testing.assert_allclose(case.noisy, np.hypot(volume.clean + 0.15 * first, 0.15 * second), atol=1e-6)
    white = KindCase(volume, 15, 3, "white")
    np.testing.assert_array_equal(white.noisy, case.noisy)
    assert white.sigma == case.sigma == 0.15 and white.spectrum is case.spectrum is None


@pytest.mark.parametrize("kind", ONE_COIL)
def test_sigma_told_is_that_of_the_noise(kind):
    case = bright(kind)
    assert np.median(np.abs(case.noisy - case.clean)) / 0.6745 == pytest.approx(case.sigma, rel=0.05)


def test_sigma_of_a_map_is_the_median_over_the_foreground(volume):
    part = replace(volume, first=1, last=12)
    case = KindCase(part, 10, 0, "g_map")
    truth = 0.1 * SCANNER_KINDS["g_map"].gain.map(volume.clean.shape).numpy()[..., 1:13]
    assert case.sigma == pytest.approx(np.median(truth[case.clean > 10 / 255]), rel=1e-6)
    assert case.sigma > 1.03 * 0.1, "it is highest in the middle"
    assert KindCase(replace(part, clean=0 * part.clean), 10, 0, "g_map").sigma == pytest.approx(np.median(truth))


@pytest.mark.parametrize("kind", ["zero_filled_twice", "filtered", "partial_fourier", "rotated"])
def test_spectrum_told_is_that_of_the_noise(kind):
    case = bright(kind)
    spectrum = case.spectrum
    assert spectrum.shape == case.noisy.shape and spectrum.mean() == pytest.approx(1)
    power = np.abs(np.fft.fftn(case.noisy - case.noisy.mean(axis=(0, 1)), axes=(0, 1))) ** 2
    measured = power.mean(axis=2) / power.mean()
    expected = spectrum.mean(axis=2)
    for part in (expected < np.median(expected), expected >= np.median(expected)):
        assert measured[part].mean() == pytest.approx(expected[part].mean(), rel=0.1, abs=0.02)


def test_noise_of_several_coils_is_told_as_white():
    assert [kind for kind in SCANNER_KINDS if bright(kind).spectrum is None] == ["white", "sum_of_squares", "g_map"]


def test_method_gets_sigma_and_spectrum_of_its_kind(volume, make, measure):
    cases = make_kind_cases([Case(volume, 10, 0)], ["rotated", "filtered", "g_map"])
    method = make("ReadNoise", given_sigma=True, given_spectrum=True)
    found = measure(cases, method).set_index("kind")
    assert found.index.tolist() == ["filtered", "g_map", "rotated"], "in the order of the kinds"
    np.testing.assert_allclose(found["sigma_error"], 0, atol=1e-4)
    np.testing.assert_allclose(found["lag1_error"], [0, 0.1, 0], atol=2e-3)


def test_rows_of_kinds_survive_the_file_and_new_methods(volume, make, measure, log, tmp_path):
    cases = make_kind_cases([Case(volume, 5, 0)], ["white", "tapered"])
    first = measure(cases, make("Shrink", parameters={"log": log.path}))
    measure(cases, make("Shrink", parameters={"log": log.path}))
    assert log.calls() == 2, "the cells of kinds are told apart, and kept"
    assert {path.name for path in (tmp_path / "cells" / "head").iterdir()} == {"5_0_white", "5_0_tapered"}
    again = read_results(tmp_path / "noise_kinds.csv", KIND_COLUMNS, CASE)
    pd.testing.assert_frame_equal(again, first, check_dtype=False)
    both = measure(cases[1:], make("ReadNoise", given_sigma=True), previous=again)
    rows = [["white", "shrink"], ["tapered", "shrink"], ["tapered", "readnoise"]]
    assert both[["kind", "method"]].values.tolist() == rows
    picture = ResultCache(tmp_path / "cells").find_images("head", 5, 0, "shrink", kind="tapered")
    np.testing.assert_allclose(picture["noisy"], cases[1].noisy[..., 7], atol=1e-3)


def test_slice_has_the_same_noise_of_a_kind_in_every_selection(volume):
    few = KindCase(replace(volume, first=2, last=12), 5, 0, "all_together")
    np.testing.assert_array_equal(few.noisy, KindCase(volume, 5, 0, "all_together").noisy[..., 2:13])


def test_cases_are_told_apart_by_kind(volume):
    cases = [Case(volume, 5, 0), *(KindCase(volume, 5, 0, kind) for kind in SCANNER_KINDS)]
    assert len({case.digest for case in cases}) == len(cases)


def test_kinds_are_found_by_name():
    assert find_kinds(["all"]) == [*SCANNER_KINDS]
    assert find_kinds(["rotated", "white", "rotated"]) == ["white", "rotated"]
    with pytest.raises(InputError, match="--noise pink: no such kind; choose from white, zero_filled, .*, or all"):
        find_kinds(["white", "pink"])
