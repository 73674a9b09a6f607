"""Scores against closed forms, numpy and MONAI."""

import numpy as np
import pytest
import torch
from monai.metrics import PSNRMetric, SSIMMetric
from scipy.stats import pearsonr

from monai_unsup_denoise.benchmark import scores


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """A smooth volume, and a noisy copy."""
    generator = np.random.default_rng(3)
    x, y, z = np.meshgrid(*[np.linspace(0, 3, n) for n in (24, 20, 16)], indexing="ij")
    clean = (0.5 + 0.5 * np.sin(x) * np.cos(y + z)).astype(np.float32)
    return (clean + 0.1 * generator.standard_normal(clean.shape)).astype(np.float32), clean


def tensors(*volumes: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(volume.astype(np.float64))[None, None] for volume in volumes]


def test_psnr_of_a_constant_error_is_its_closed_form():
    clean = np.linspace(0, 1, 60, dtype=np.float32).reshape(3, 4, 5)
    assert scores.psnr(clean + np.float32(0.01), clean) == pytest.approx(40, abs=1e-4)
    assert scores.psnr(clean, clean) == np.inf


def test_psnr_is_that_of_monai(pair):
    expected = PSNRMetric(max_val=1.0)(*tensors(*pair)).item()
    assert scores.psnr(*pair) == pytest.approx(expected, abs=1e-5)


def test_psnr_of_the_foreground_counts_its_voxels_only():
    clean = np.array([0.0, 0.039, 0.04, 1.0], dtype=np.float32).reshape(1, 1, 4)
    denoised = clean + np.array([9, 9, 0.1, 0.3], dtype=np.float32)
    expected = -10 * np.log10((0.01 + 0.09) / 2)
    assert scores.psnr(denoised, clean, scores.foreground(clean)) == pytest.approx(expected, abs=1e-4)
    assert np.isnan(scores.psnr(denoised, clean, np.zeros_like(clean, dtype=bool)))


def test_ssim_in_3d_is_that_of_monai(pair):
    expected = SSIMMetric(spatial_dims=3, data_range=1.0, win_size=11, kernel_sigma=1.5)(*tensors(*pair)).item()
    assert scores.ssim_3d(*pair) == pytest.approx(expected, abs=1e-4)
    assert scores.ssim_3d(pair[1], pair[1]) == pytest.approx(1)


def test_ssim_in_2d_is_the_mean_over_slices_of_that_of_monai(pair):
    metric = SSIMMetric(spatial_dims=2, data_range=1.0, win_size=11, kernel_sigma=1.5)
    slices = [np.moveaxis(volume, -1, 0) for volume in pair]
    noisy, clean = [torch.from_numpy(volume.astype(np.float64)).unsqueeze(1) for volume in slices]
    assert scores.ssim_2d(*pair) == pytest.approx(metric(noisy, clean).mean().item(), abs=1e-4)
    assert scores.ssim_2d(*pair) != pytest.approx(scores.ssim_3d(*pair), abs=1e-3)


def test_bias_is_the_mean_error_of_each_band_in_units_of_sigma():
    clean = np.array([0.0, 0.019, 0.02, 0.1, 0.3, 0.35, 0.6, 1.0])
    error = np.array([1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0])
    biases = scores.bias_by_band((clean + error).reshape(2, 2, 2), clean.reshape(2, 2, 2), 0.5)
    np.testing.assert_allclose(biases, [4, 10, 14, 18, 22, 28])


def test_bias_of_the_background_is_the_rayleigh_mean():
    sigma = 0.15
    noise = np.random.default_rng(0).standard_normal((2, 60, 60, 60)) * sigma
    biases = scores.bias_by_band(np.hypot(*noise), np.zeros((60, 60, 60)), sigma)
    assert biases[0] == pytest.approx(np.sqrt(np.pi / 2), abs=0.01)
    assert np.isnan(biases[1:]).all()


def test_white_noise_has_no_autocorrelation():
    noise = np.random.default_rng(1).standard_normal((80, 80, 40))
    found = scores.residual_autocorrelation(5 + noise, np.ones(noise.shape, dtype=bool))
    np.testing.assert_allclose(found, 0, atol=0.01)


def test_autocorrelation_of_a_moving_average_is_its_closed_form():
    """Over 3 voxels of the first axis 2/3, 1/3, 0, 0; the second is white; the third, constant, is not looked at."""
    noise = np.random.default_rng(2).standard_normal((302, 300))
    residual = np.repeat((noise[:-2] + noise[1:-1] + noise[2:])[..., None], 5, axis=2)
    found = scores.residual_autocorrelation(residual, np.ones(residual.shape, dtype=bool))
    np.testing.assert_allclose(found, [1 / 3, 1 / 6, 0, 0], atol=0.015)


def test_autocorrelation_uses_pairs_inside_the_foreground():
    generator = np.random.default_rng(5)
    residual = generator.standard_normal((60, 60, 20))
    inside = np.zeros(residual.shape, dtype=bool)
    inside[:30] = True
    spoilt = residual.copy()
    spoilt[30:] = 100
    expected = scores.residual_autocorrelation(residual[:30], inside[:30])
    np.testing.assert_allclose(scores.residual_autocorrelation(spoilt, inside), expected, rtol=1e-9)


def test_gradient_correlation_is_pearsons(pair):
    noisy, clean = pair
    inside = scores.foreground(clean)
    slope = np.linalg.norm(np.stack(np.gradient(clean.astype(float))), axis=0)
    residual = noisy - clean
    expected = pearsonr(np.abs(residual)[inside].astype(float), slope[inside])[0]
    assert scores.gradient_correlation(residual, clean, inside) == pytest.approx(expected, abs=1e-6)
    assert scores.gradient_correlation(-3 * slope, clean, inside) == pytest.approx(1)


def test_undefined_scores_are_nan():
    clean = np.ones((4, 4, 4))
    everywhere, nowhere = clean > 0, clean < 0
    assert np.isnan(scores.residual_autocorrelation(0 * clean, everywhere)).all()
    assert np.isnan(scores.residual_autocorrelation(clean, nowhere)).all()
    assert np.isnan(scores.gradient_correlation(0 * clean, clean, everywhere))
    assert np.isnan(scores.gradient_correlation(clean, clean, nowhere))
