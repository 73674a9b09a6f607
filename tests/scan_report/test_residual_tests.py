"""Tests of what was removed: they find structure in it, and take no noise for structure."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_unsup_denoise.scan_report.residual_tests import residual_tests
from monai_unsup_denoise.scan_report.verdicts import verdicts_on

SIGMA = 20.0


@pytest.fixture(scope="module")
def anatomy():
    """Smooth tissue with folds of a few voxels, well above the noise, in air."""
    generator = np.random.default_rng(0)
    folds = gaussian_filter(generator.standard_normal((64, 60, 40)), 1.5)
    volume = np.where(folds > 0, 700.0, 500.0)
    volume[:8] = volume[-8:] = 0
    return volume


def white(shape):
    return SIGMA * np.random.default_rng(1).standard_normal(shape)


def noise_report(**changes):
    usual = {"sigma": SIGMA, "correlation": [0.0, 0.0, 0.0], "sigma_error_percent": 5.0, "sigma_is_sure": True}
    return usual | changes


def kinds(tests, **changes):
    return [verdict.kind for verdict in verdicts_on(noise_report(**changes), tests)]


def test_removed_noise_is_found_to_be_noise(anatomy):
    tests = residual_tests(anatomy + white(anatomy.shape), anatomy, SIGMA)
    assert tests.voxels == np.count_nonzero(anatomy)
    assert tests.spread == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose([*tests.autocorrelation, tests.edges, tests.detail], 0, atol=0.02)
    assert kinds(tests) == ["good"]


def test_a_blurred_image_is_found_out(anatomy):
    tests = residual_tests(anatomy + white(anatomy.shape), gaussian_filter(anatomy, 0.6), SIGMA)
    assert tests.detail > 0.2 and tests.edges > 0.1
    assert kinds(tests) == ["bad"]


def test_noise_that_is_kept_is_no_structure(anatomy):
    noise = white(anatomy.shape)
    tests = residual_tests(anatomy + noise, anatomy + 0.3 * noise, SIGMA)
    assert tests.spread == pytest.approx(0.7, abs=0.01)
    assert kinds(tests) == ["good"]


def test_correlated_noise_is_compared_with_its_estimate(anatomy):
    noise = gaussian_filter(white(anatomy.shape), [0.8, 0, 0])
    noise *= SIGMA / noise.std()
    tests = residual_tests(anatomy + noise, anatomy, SIGMA)
    along_x = float(np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1])
    np.testing.assert_allclose(tests.autocorrelation, [along_x, 0, 0], atol=0.02)
    assert kinds(tests) == ["look"] and kinds(tests, correlation=[along_x, 0.0, 0.0]) == ["good"]


def test_a_map_of_sigma_makes_varying_noise_even(anatomy):
    level = SIGMA * np.linspace(0.5, 2, anatomy.shape[1])[:, None] * np.ones(anatomy.shape)
    tests = residual_tests(anatomy + white(anatomy.shape) * level / SIGMA, anatomy, level)
    assert tests.spread == pytest.approx(1, abs=0.01)


def test_a_single_slice_has_no_correlation_across(anatomy):
    one = anatomy[:, :, :1]
    tests = residual_tests(one + white(one.shape), one, SIGMA)
    assert np.isnan(tests.autocorrelation[2]) and kinds(tests) == ["good"]


def test_nothing_is_said_of_too_little(anatomy):
    assert residual_tests(anatomy, anatomy, SIGMA) is None
    assert residual_tests(anatomy + white(anatomy.shape), anatomy, 1000) is None
    assert kinds(None) == ["look"]


def test_what_is_unusual_is_said(anatomy):
    tests = residual_tests(anatomy + white(anatomy.shape), anatomy, SIGMA)
    unusual = noise_report(distance=1.3, sigma_is_sure=False, change_percent=40, clipped_voxels=1234)
    texts = [verdict.text for verdict in verdicts_on(unusual, tests)]
    assert "unlike the scans that the model was trained on" in texts[1] and "uncertain by about 5 %" in texts[2]
    assert "only 40 % of the change" in texts[3] and "1,234" in texts[4]
    assert "does not estimate the noise" in verdicts_on({"sigma": None}, None)[0].text


@pytest.mark.parametrize("kept", [0.7, -0.5])
def test_too_little_or_too_much_removed_is_said(anatomy, kept):
    noise = white(anatomy.shape)
    tests = residual_tests(anatomy + noise, anatomy + kept * noise, SIGMA)
    assert tests.spread == pytest.approx(1 - kept, abs=0.01) and kinds(tests) == ["look"]


def test_what_a_lower_strength_leaves_is_no_surprise(anatomy):
    noise = white(anatomy.shape)
    tests = residual_tests(anatomy + noise, anatomy + 0.7 * noise, SIGMA)
    assert verdicts_on(noise_report(strength=0.3), tests)[0].kind == "good"


def test_an_even_scan_is_not_called_good():
    even = np.full((30, 30, 30), 500.0)
    tests = residual_tests(even + white(even.shape), even, SIGMA)
    assert np.isnan(tests.edges) and kinds(tests) == ["look"]


def test_voxels_without_noise_are_left_out(anatomy):
    level = np.where(np.arange(anatomy.shape[0])[:, None, None] < 32, SIGMA, 0) * np.ones(anatomy.shape)
    tests = residual_tests(anatomy + white(anatomy.shape) * level / SIGMA, anatomy, level)
    assert tests.voxels == np.count_nonzero(anatomy[:32]) and tests.spread == pytest.approx(1, abs=0.01)


def test_the_mean_of_noise_of_many_coils_is_no_structure(anatomy):
    rng = np.random.default_rng(2)
    faint = anatomy / 3  # 8 to 12 sigma
    parts = SIGMA * rng.standard_normal((2, 12, *faint.shape)) + np.stack([faint / np.sqrt(12), 0 * faint])[:, None]
    combined = np.sqrt(np.square(parts).sum(axis=(0, 1)))
    tests = residual_tests(combined, faint, SIGMA, coils=12)
    assert abs(tests.detail) < 0.03 < abs(residual_tests(combined, faint, SIGMA).detail)
