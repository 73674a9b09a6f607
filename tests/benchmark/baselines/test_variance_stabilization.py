"""The Rician variance stabilisation: its deviation by Monte Carlo, its inverse against sampled means."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import rice

from monai_unsup_denoise.benchmark.baselines.variance_stabilization import invert_stabilized_mean, stabilize_variance

SIGMA = 0.07
NUMBER = 200_000


def magnitudes(snr: float) -> np.ndarray:
    n1, n2 = np.random.default_rng(0).standard_normal((2, NUMBER))
    return SIGMA * np.hypot(snr + n1, n2)


@pytest.mark.parametrize("snr", [1.5, 2, 3, 5, 10, 24, 26, 100])
def test_stabilised_noise_has_a_deviation_of_one(snr):
    assert stabilize_variance(magnitudes(snr), SIGMA).std() == pytest.approx(1, abs=0.035)


def test_background_is_never_noisier_than_tissue():
    deviations = [stabilize_variance(magnitudes(snr), SIGMA).std() for snr in (0, 0.5, 1, 1.5)]
    assert deviations == sorted(deviations) and 0.5 < deviations[0] < 1


@pytest.mark.parametrize("snr", [0.3, 1.0, 1.7, 3.0, 12.0, 24.9, 25.1, 60.0])
def test_inverse_of_the_mean_is_the_amplitude(snr):
    """The mean is integrated with scipy's density, not with the table's."""
    z = np.linspace(max(snr - 9, 0), snr + 9, 40_001)
    mean = trapezoid(stabilize_variance(z, 1) * rice.pdf(z, snr), z)
    assert invert_stabilized_mean(mean, 1) == pytest.approx(snr, abs=3e-3)


def test_inverse_is_zero_up_to_the_mean_of_the_background():
    floor = stabilize_variance(magnitudes(0), SIGMA).mean()
    below = invert_stabilized_mean(np.array([-5.0, 0.0, 0.5 * floor, floor - 0.01]), SIGMA)
    assert below.tolist() == [0, 0, 0, 0]
    assert invert_stabilized_mean(floor + 0.05, SIGMA) > 0.2 * SIGMA


def test_both_are_monotone_beyond_the_table():
    z = np.concatenate([np.linspace(0, 30, 6001), np.geomspace(30, 1e4, 100)[1:]])
    forward = stabilize_variance(z, 1)
    assert forward[0] == 0 and (np.diff(forward) > 0).all()
    back = invert_stabilized_mean(forward, 1)
    assert (np.diff(back) >= 0).all() and (np.diff(back[forward > 2]) > 0).all()


def test_scale_does_not_matter():
    m = magnitudes(2)[:100]
    np.testing.assert_allclose(stabilize_variance(10 * m, 10 * SIGMA), stabilize_variance(m, SIGMA))
    d = np.linspace(0, 10, 11)
    np.testing.assert_allclose(invert_stabilized_mean(d, 10 * SIGMA), 10 * invert_stabilized_mean(d, SIGMA))


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan")])
def test_sigma_that_is_not_positive_is_refused(sigma):
    for function in (stabilize_variance, invert_stabilized_mean):
        with pytest.raises(ValueError, match="must be positive"):
            function(np.ones(3), sigma)


@pytest.mark.parametrize("module", ["collaborative", "nonlocal_means", "sanlm", "ants", "noise2void", "unchanged"])
def test_modules_import_without_torch_and_monai(repository, module):
    code = (
        "import sys; sys.modules.update(torch=None, monai=None, nibabel=None);"
        f"import monai_unsup_denoise.benchmark.baselines.{module}"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=repository)
