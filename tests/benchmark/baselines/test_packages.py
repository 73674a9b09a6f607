"""The baselines of other packages, run where those are installed: shape, type, unchanged input, less noise."""

import numpy as np
import pytest

SIGMA = 0.1
METHODS = [
    ("dipy", "nonlocal_means.NonLocalMeans", SIGMA),
    ("cat_surf", "sanlm.SpatiallyAdaptiveNonLocalMeans", None),
    ("ants", "ants.AntsDenoise", None),
    ("bm3d", "collaborative.BM3D", SIGMA),
    ("bm4d", "collaborative.BM4D", SIGMA),
]

pytestmark = pytest.mark.slow


def error(denoised: np.ndarray, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((denoised.astype(np.float64) - clean) ** 2)))


@pytest.mark.parametrize(("package", "target", "sigma"), METHODS)
def test_baseline_removes_noise_and_keeps_shape_and_type(run_baseline, clean, make_noisy, package, target, sigma):
    noisy = make_noisy(clean, SIGMA)
    denoised = run_baseline(package, target, noisy, sigma)
    assert denoised.shape == noisy.shape and denoised.dtype == np.float32
    assert error(denoised, clean) < 0.85 * error(noisy, clean)


@pytest.mark.parametrize("target", ["collaborative.BM3D", "collaborative.BM4D"])
def test_stabilised_filters_halve_the_bias(run_baseline, clean, make_noisy, target):
    noisy = make_noisy(clean, SIGMA)
    denoised = run_baseline("bm4d", target, noisy, SIGMA)
    dark = clean == np.float32(0.15)
    assert abs(denoised[dark].mean() - 0.15) < 0.5 * (noisy[dark].mean() - 0.15)
    assert denoised[clean == 0].mean() < 0.5 * noisy[clean == 0].mean()


@pytest.mark.parametrize("target", ["collaborative.BM3D", "collaborative.BM4D", "nonlocal_means.NonLocalMeans"])
def test_given_sigma_matters(run_baseline, clean, make_noisy, target):
    noisy = make_noisy(clean, SIGMA)
    package = "dipy" if target.startswith("nonlocal") else "bm4d"
    weak, strong = (run_baseline(package, target, noisy, sigma) for sigma in (0.02, SIGMA))
    assert error(weak, clean) > 1.1 * error(strong, clean)


def test_noise2void_learns_from_the_noisy_volume_only(run_baseline, clean, make_noisy):
    large = np.tile(clean, (3, 2, 1))  # 90 x 56: no multiple of 4, less than a patch of 64
    noisy = make_noisy(large, SIGMA)
    denoised = run_baseline("careamics", "noise2void.Noise2Void", noisy, None, steps=150)
    assert denoised.shape == noisy.shape and denoised.dtype == np.float32
    tissue = large > 0
    assert error(denoised[tissue], large[tissue]) < 0.8 * error(noisy[tissue], large[tissue])


def test_noise2void_is_reproducible_by_its_seed(run_baseline, clean, make_noisy):
    noisy = make_noisy(clean[..., :3], SIGMA)
    first, again, other = (
        run_baseline("careamics", "noise2void.Noise2Void", noisy, None, steps=2, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
