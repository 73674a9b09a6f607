"""Coverage of the intervals that a denoiser makes by denoising again."""

import numpy as np
import pytest

from experiments.uncertainty.bootstrap import compare, half_widths_of
from experiments.uncertainty.crops import Crop
from monai_unsup_denoise.inference import Denoiser


def crop(number: int) -> Crop:
    """An even block in air."""
    rng = np.random.default_rng(number)
    clean = np.zeros((24, 24, 16), np.float32)
    clean[4:-4, 4:-4] = 1
    noisy = np.hypot(clean + 0.05 * rng.standard_normal(clean.shape), 0.05 * rng.standard_normal(clean.shape))
    sigma = np.full(clean.shape, 0.05, np.float32)
    volumes = (clean, noisy.astype(np.float32), clean, sigma, (clean > 0).astype(np.uint8))
    return Crop(str(number), "white", 5.0, *volumes, np.zeros(5, np.float32))


def test_bootstrap_of_a_denoiser_is_in_units_of_the_crop():
    denoiser = Denoiser.from_bundle(settings={"refine": False})
    denoiser.error_head = None
    one = crop(0)
    widths = half_widths_of(denoiser)(one)
    assert widths.shape == (2, *one.clean.shape)
    np.testing.assert_allclose(widths[1], 1.96 * widths[0], rtol=1e-5)
    assert 0.05 * 0.05 < np.median(widths[0][one.tissue > 0]) < 0.05, "less than the noise, and not next to nothing"


def test_methods_are_compared_on_the_same_crops():
    wide = lambda one: np.ones((2, *one.clean.shape), np.float32)  # noqa: E731
    none = lambda one: np.full((2, *one.clean.shape), -1, np.float32)  # noqa: E731
    table = compare([crop(0), crop(1)], {"wide": wide, "none": none}).set_index(["method", "group", "part"])
    assert table.loc[("wide", "1 all", "heads"), "0.68"] == pytest.approx(1)
    assert table.loc[("none", "1 all", "heads"), "0.95"] == pytest.approx(0)
    assert (table["crops"] <= 2).all()
