"""Non-local Bayes refinement of correlated noise and of several coils, against dense linear algebra and simulation."""

import itertools

import numpy as np
import pytest
import torch
from scipy import fft, ndimage

from monai_unsup_denoise.functional import KSpaceWindow, ScannerNoise, add_scanner_noise, noise_truth, nonlocal_bayes
from monai_unsup_denoise.functional.patch_noise import patch_noise
from monai_unsup_denoise.functional.patch_wiener import patch_wiener

CORRELATION = (0.3, 0.0, -0.2)


def dense_covariance(correlation: tuple[float, ...]) -> np.ndarray:
    """Of all pairs of voxels of a patch of 4 x 4 x 4, one by one."""
    voxels = list(itertools.product(range(4), repeat=3))
    return np.asarray(
        [
            [np.prod([r ** ((i - j) ** 2) for r, i, j in zip(correlation, one, other, strict=True)]) for one in voxels]
            for other in voxels
        ]
    )


def sheets() -> torch.Tensor:
    x, y, z = np.indices((24, 24, 12))
    return torch.from_numpy(1 + 0.5 * (np.sin(0.9 * x + 0.5 * y + 0.1 * z) > 0)).float()


def error(image: torch.Tensor, clean: torch.Tensor) -> float:
    return float((image - clean).square().mean().sqrt())


def test_patch_noise_equals_the_dense_covariance():
    covariance = dense_covariance(CORRELATION)
    noise = patch_noise(CORRELATION, 4, like=torch.zeros(1, dtype=torch.float64))
    np.testing.assert_allclose(noise.precision.numpy() @ covariance, np.eye(64), atol=1e-12)
    half = np.stack([fft.dctn(row.reshape(4, 4, 4), norm="ortho").ravel() for row in covariance])
    whole = np.stack([fft.dctn(row.reshape(4, 4, 4), norm="ortho").ravel() for row in half.T])
    np.testing.assert_allclose(noise.cosine_variance, np.diag(whole), rtol=1e-12)
    samples = np.random.default_rng(0).multivariate_normal(np.zeros(64), covariance, 20_000)
    energy = np.square(samples).mean(1).std() / np.sqrt(2 / 64)
    assert noise.energy_deviation == pytest.approx(energy, rel=0.03)


def test_patches_equal_the_dense_wiener_filter():
    rng = np.random.default_rng(0)
    pilot = 100 + rng.normal(0, 2, (40, 64))
    noisy = pilot + rng.normal(0, 0.9, (40, 64))
    noisy += (pilot - noisy).mean(0)  # of the pilot's mean, which then is not corrected
    noise = patch_noise(CORRELATION, 4, like=torch.zeros(1, dtype=torch.float64))
    signal = np.cov(pilot.T)
    gain = signal @ np.linalg.inv(signal + dense_covariance(CORRELATION))
    expected = pilot.mean(0) + (noisy - pilot.mean(0)) @ gain.T
    [estimate] = patch_wiener(*(torch.from_numpy(patches)[None] for patches in (noisy, pilot)), noise=noise)
    np.testing.assert_allclose(estimate, expected, atol=2e-3)


def test_told_correlation_lowers_the_error():
    clean, window = sheets(), KSpaceWindow(0.5)
    scanner = ScannerNoise((window, window, KSpaceWindow()))
    noisy = add_scanner_noise(clean, 0.15, scanner=scanner, generator=torch.Generator().manual_seed(0))
    correlation = noise_truth(clean, 0.15, scanner=scanner).correlation[:, 0]
    pilot, sigma = torch.from_numpy(ndimage.gaussian_filter(clean.numpy(), 0.6)), torch.full_like(clean, 0.15)
    white = error(nonlocal_bayes(noisy, pilot, sigma), clean)
    assert error(nonlocal_bayes(noisy, pilot, sigma, correlation=correlation), clean) < 0.8 * white


def test_hardly_correlated_noise_counts_as_white():
    clean = sheets()
    noisy = add_scanner_noise(clean, 0.1, scanner=ScannerNoise(), generator=torch.Generator().manual_seed(0))
    pilot, sigma = torch.from_numpy(ndimage.gaussian_filter(clean.numpy(), 0.6)), torch.full_like(clean, 0.1)
    refined = nonlocal_bayes(noisy, pilot, sigma)
    assert torch.equal(nonlocal_bayes(noisy, pilot, sigma, correlation=(0.04, -0.04, 0.0)), refined)
    assert not torch.equal(nonlocal_bayes(noisy, pilot, sigma, correlation=(0.2, 0.0, 0.0)), refined)


def test_coils_remove_the_bias_of_their_sum_of_squares():
    """Of 4 coils at an SNR of 4 magnitudes are biased by 0.81 sigma."""
    clean, sigma = torch.full((20, 20, 20), 4.0), torch.ones(20, 20, 20)
    noisy = add_scanner_noise(clean, 1.0, scanner=ScannerNoise(coils=4), generator=torch.Generator().manual_seed(0))
    assert float((noisy - clean).mean()) == pytest.approx(0.81, abs=0.03)
    assert float((nonlocal_bayes(noisy, clean, sigma, coils=4) - clean).mean()) == pytest.approx(0, abs=0.03)
