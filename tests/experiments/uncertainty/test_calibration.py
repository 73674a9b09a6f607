"""Calibration and coverage on crops whose errors are normal, so that the half-widths are known."""

import re

import numpy as np
import pytest
from scipy.stats import norm

from experiments.uncertainty.calibration import calibrate, coverage, coverage_table
from experiments.uncertainty.crops import Crop
from monai_unsup_denoise.networks.error_head import COVERAGES

SHAPE = (30, 30, 10)
TRUE = np.asarray([norm.ppf((1 + share) / 2) for share in COVERAGES])


def crop(number: int, *, spread: float = 0.1) -> Crop:
    """Errors of one ``spread``, in tissue alone, which is the upper half."""
    rng = np.random.default_rng(number)
    tissue = np.zeros(SHAPE, np.uint8)
    tissue[15:] = 1
    clean = rng.random(SHAPE, dtype=np.float32) * tissue
    denoised = (clean + spread * rng.standard_normal(SHAPE) * tissue).astype(np.float32)
    sigma = np.full(SHAPE, 0.2, np.float32)
    kind = ("white", "g_map")[number % 2]
    return Crop(str(number), kind, 3.0, clean, clean, denoised, sigma, tissue, np.zeros(5, np.float32))


def half_widths(one: Crop) -> np.ndarray:
    """Of a head that knows the spread, and is wrong by a factor for the first share."""
    return np.stack([np.full(SHAPE, 0.1 * width) for width in TRUE / (2, 1)])


@pytest.fixture(scope="module")
def crops() -> list[Crop]:
    return [crop(number) for number in range(120)]


def test_calibration_finds_what_a_head_is_wrong_by(crops):
    factors = calibrate(crops, half_widths)
    # More than 2 and 1, by about two points of coverage: so much 120 crops leave open.
    assert 2 < factors[0] < 2.12 and 1 < factors[1] < 1.2


def test_calibration_allows_for_heads_that_differ(crops):
    different = [crop(number, spread=0.1 * (1 + number % 2)) for number in range(120)]
    assert all(wide > narrow for wide, narrow in zip(calibrate(different, half_widths), (2.5, 1.5), strict=True))


def test_coverage_is_that_of_the_half_widths(crops):
    table = coverage(crops, lambda one: np.stack([np.full(SHAPE, 0.1 * width) for width in TRUE]))
    table = table.set_index(["group", "part"])
    heads = table.loc[("1 all", "heads")]
    assert heads["0.68"] == pytest.approx(0.68, abs=0.003) and heads["0.95"] == pytest.approx(0.95, abs=0.002)
    assert heads.width == pytest.approx(TRUE[0] / 2, rel=1e-4) and heads.crops == 120
    assert table.loc[("1 all", "air"), "0.68"] == 1
    assert table.loc[("2 kind", "white")].crops == table.loc[("2 kind", "g_map")].crops == 60
    assert set(table.loc["3 level"].index) == {"up to  5 %"}
    assert len(table.loc["5 slope"]) == 4 and table.loc["4 brightness"]["0.68"].between(0.5, 0.8).all()


def test_table_has_the_shares_and_their_errors(crops):
    table = coverage_table(coverage(crops[:3], half_widths))
    assert table.splitlines()[0] == "| voxels | 68 % | 95 % | half-width, sigma | crops |"
    assert re.search(r"^\| all: heads \| 38\.\d ± 0\.\d \| 95\.\d ± 0\.\d \| 0\.25 \| 3 \|$", table, re.MULTILINE)
    assert re.search(r"^\| kind: g_map \| 38\.\d \| 9\d\.\d \| 0\.25 \| 1 \|$", table, re.MULTILINE), "one has no error"


def test_groups_show_where_the_half_widths_are_wrong(crops):
    def wrong(one: Crop) -> np.ndarray:
        """Of a half of each head, half as wide as they should be."""
        widths = np.stack([np.full(SHAPE, 0.1 * width) for width in TRUE])
        widths[:, :, ::2] /= 2
        widths *= 1 + 0.01 * np.random.default_rng(0).random(SHAPE)
        return widths

    table = coverage(crops, wrong).set_index(["group", "part"])
    narrow, wide = (table.loc[("6 half-width", f"quarter {number}"), "0.68"] for number in (1, 4))
    assert narrow == pytest.approx(2 * norm.cdf(TRUE[0] / 2) - 1, abs=0.01) and wide == pytest.approx(0.68, abs=0.01)
