"""Gaussian blur, anisotropic diffusion and the unchanged volume: the contract of every method, and what each is for."""

import numpy as np
import pytest
from scipy.stats import rice

from monai_unsup_denoise.benchmark.baselines.diffusion import AnisotropicDiffusion, diffuse, remove_bias
from monai_unsup_denoise.benchmark.baselines.gaussian import GaussianBlur
from monai_unsup_denoise.benchmark.baselines.tuned import tuned_parameters
from monai_unsup_denoise.benchmark.baselines.unchanged import Unchanged

SIGMA = 0.1
METHODS = {
    "noisy": Unchanged(),
    "gaussian": GaussianBlur(),
    "adf": AnisotropicDiffusion(),
    "adf_unbiased": AnisotropicDiffusion(unbiased=True),
}
DENOISERS = [name for name in METHODS if name != "noisy"]


def error(denoised: np.ndarray, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((denoised.astype(np.float64) - clean) ** 2)))


@pytest.mark.parametrize("name", METHODS)
def test_shape_type_and_input_are_kept(clean, make_noisy, name):
    noisy = make_noisy(clean, SIGMA)
    before = noisy.copy()
    denoised = METHODS[name](noisy, SIGMA)
    assert denoised.shape == noisy.shape and denoised.dtype == np.float32
    assert not np.shares_memory(denoised, noisy)
    np.testing.assert_array_equal(noisy, before)


@pytest.mark.parametrize("name", ["noisy", "gaussian", "adf"])
def test_constant_volume_is_kept(name):
    constant = np.full((9, 8, 7), 0.4, dtype=np.float32)
    np.testing.assert_allclose(METHODS[name](constant, SIGMA), constant, rtol=1e-6)


def test_unbiased_constant_is_the_amplitude_with_that_mean():
    constant = np.full((9, 8, 7), 0.4, dtype=np.float32)
    n1, n2 = np.random.default_rng(0).standard_normal((2, 200_000))
    amplitude = METHODS["adf_unbiased"](constant, SIGMA)[0, 0, 0]
    assert np.hypot(amplitude + SIGMA * n1, SIGMA * n2).mean() == pytest.approx(0.4, abs=2e-3)


@pytest.mark.parametrize("name", DENOISERS)
@pytest.mark.parametrize("sigma", [0.05, 0.15, 0.3])
def test_noise_is_reduced(clean, make_noisy, name, sigma):
    noisy = make_noisy(clean, sigma)
    assert error(METHODS[name](noisy, sigma), clean) < 0.95 * error(noisy, clean)


@pytest.mark.parametrize("amplitude", [0.0, 0.15])
def test_bias_removal_halves_the_bias_of_weak_signal(make_noisy, amplitude):
    even = np.full((24, 24, 12), amplitude, dtype=np.float32)
    noisy = make_noisy(even, SIGMA)
    biased, unbiased = (METHODS[name](noisy, SIGMA).mean() - amplitude for name in ("adf", "adf_unbiased"))
    assert biased > 0.25 * SIGMA
    assert abs(unbiased) < 0.5 * biased


@pytest.mark.parametrize("name", DENOISERS)
def test_given_sigma_matters(clean, make_noisy, name):
    noisy = make_noisy(clean, SIGMA)
    weak, strong = (METHODS[name](noisy, sigma) for sigma in (0.03, 0.3))
    assert np.std(weak - noisy) < 0.9 * np.std(strong - noisy)


def test_diffusion_keeps_an_edge_better_than_blur(make_noisy):
    step = np.zeros((40, 24, 12), dtype=np.float32)
    step[20:] = 1
    step += 1  # far from the floor: no bias
    noisy = make_noisy(step, SIGMA)
    diffused = diffuse(noisy, conductance=2, iterations=6)
    flat = (slice(3, 15), slice(3, -3), slice(3, -3))
    blurred = next(
        b for w in np.arange(0.3, 3, 0.05) if (b := GaussianBlur(w)(noisy, SIGMA))[flat].std() < diffused[flat].std()
    )
    assert error(diffused[18:22], step[18:22]) < 0.6 * error(blurred[18:22], step[18:22])


def test_diffusion_is_isotropic_and_additive_in_steps(clean, make_noisy):
    noisy = make_noisy(clean, SIGMA)
    whole = diffuse(noisy, conductance=1.5, iterations=5)
    turned = diffuse(noisy.transpose(2, 0, 1), conductance=1.5, iterations=5)
    np.testing.assert_allclose(turned, whole.transpose(2, 0, 1), atol=1e-5)
    portions = diffuse(diffuse(noisy, conductance=1.5, iterations=2), conductance=1.5, iterations=3)
    np.testing.assert_array_equal(portions, whole)
    np.testing.assert_array_equal(diffuse(noisy, conductance=1.5, iterations=0), noisy)


def test_nearest_level_is_nearest_by_ratio():
    at_ten, at_fifteen = tuned_parameters("gaussian", 0.10), tuned_parameters("gaussian", 0.15)
    assert at_ten != at_fifteen
    assert tuned_parameters("gaussian", 0.122) == at_ten  # sqrt(10 * 15) = 12.25
    assert tuned_parameters("gaussian", 0.123) == at_fifteen
    assert tuned_parameters("gaussian", 1e-5) == tuned_parameters("gaussian", 0.01)


@pytest.mark.parametrize("method", ["gaussian", "adf", "adf_unbiased"])
def test_more_noise_is_tuned_to_more_smoothing(method):
    if method == "gaussian":
        strength = [tuned_parameters(method, sigma)["width"] for sigma in (0.05, 0.15, 0.3)]
    else:
        strength = [np.prod(list(tuned_parameters(method, sigma).values())) for sigma in (0.05, 0.15, 0.3)]
    assert strength == sorted(strength) and strength[0] < strength[-1]


@pytest.mark.parametrize("sigma", [0.0, -0.1])
def test_noise_level_that_is_not_positive_is_refused(clean, sigma):
    with pytest.raises(ValueError, match="must be positive"):
        GaussianBlur()(clean, sigma)


def test_half_of_the_diffusion_parameters_are_refused():
    with pytest.raises(ValueError, match="belong together"):
        AnisotropicDiffusion(conductance=1.0)


def test_mean_of_the_background_becomes_zero():
    floor = np.full((2, 2, 2), SIGMA * np.sqrt(np.pi / 2), dtype=np.float32)
    assert (remove_bias(floor * 0.99, SIGMA) == 0).all()
    assert (remove_bias(floor * 1.05, SIGMA) > 0.2 * SIGMA).all()


def test_bias_is_removed_from_the_mean_of_scipy():
    snr = np.array([0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0])
    found = remove_bias(rice.mean(snr, scale=SIGMA), SIGMA)
    np.testing.assert_allclose(found, snr * SIGMA, rtol=1e-5)
