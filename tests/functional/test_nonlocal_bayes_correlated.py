"""Non-local Bayes refinement of correlated noise and of several coils, against dense linear algebra and simulation."""

import importlib
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import fft, ndimage

from monai_unsup_denoise.functional import (
    SCANNER_KINDS,
    KSpaceWindow,
    ScannerNoise,
    add_scanner_noise,
    noise_truth,
    nonlocal_bayes,
    rician_variance,
)
from monai_unsup_denoise.functional.patch_groups import SQUARES
from monai_unsup_denoise.functional.patch_noise import PatchNoise, patch_noise
from monai_unsup_denoise.functional.patch_wiener import patch_wiener

CORRELATION = (0.3, 0.0, -0.2)
DOUBLE = torch.zeros(1, dtype=torch.float64)


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
    noise = patch_noise(CORRELATION, (4, 4, 4), like=DOUBLE)
    np.testing.assert_allclose(noise.precision.numpy() @ covariance, np.eye(64), atol=1e-12)
    half = np.stack([fft.dctn(row.reshape(4, 4, 4), norm="ortho").ravel() for row in covariance])
    whole = np.stack([fft.dctn(row.reshape(4, 4, 4), norm="ortho").ravel() for row in half.T])
    np.testing.assert_allclose(noise.cosine_variance, np.diag(whole), rtol=1e-12)
    samples = np.random.default_rng(0).multivariate_normal(np.zeros(64), covariance, 20_000)
    energy = np.square(samples).mean(1).std() / np.sqrt(2 / 64)
    assert noise.energy_deviation == pytest.approx(energy, rel=0.03)


@pytest.mark.parametrize("kind", ["zero_filled", "zero_filled_twice", "tapered", "filtered", "rotated"])
def test_correlation_at_lag_2_is_nearer_to_a_gaussian(kind):
    """Than to ``r^k``, which first-order processes have."""
    r, lag2 = noise_truth(torch.ones(48, 48, 12), 0.1, scanner=SCANNER_KINDS[kind]).correlation[0].tolist()
    assert abs(lag2 - r**4) < abs(lag2 - r**2)


def estimates(noisy: np.ndarray, pilot: np.ndarray, noise: PatchNoise) -> np.ndarray:
    """Of one group of patches."""
    [found] = patch_wiener(*(torch.from_numpy(patches)[None] for patches in (noisy, pilot)), noise=noise)
    return found.numpy()


@pytest.mark.parametrize("amplitude, coils, spread", [(100.0, 1, 2.0), (2.0, 1, 0.1), (2.0, 8, 0.1)])
def test_patches_equal_the_dense_wiener_filter(amplitude, coils, spread):
    rng = np.random.default_rng(0)
    pilot = amplitude + rng.normal(0, spread, (40, 64))
    variance = float(rician_variance(torch.tensor(pilot.mean()), 1.0, coils=coils))
    noisy = pilot + rng.normal(0, 0.9 * math.sqrt(variance), (40, 64))
    noisy += (pilot - noisy).mean(0)  # of the pilot's mean, which then is not corrected
    noise = patch_noise(CORRELATION, (4, 4, 4), coils=coils, like=DOUBLE)
    signal = np.cov(pilot.T)
    gain = signal @ np.linalg.inv(signal + variance * dense_covariance(CORRELATION))
    expected = pilot.mean(0) + (noisy - pilot.mean(0)) @ gain.T
    np.testing.assert_allclose(estimates(noisy, pilot, noise), expected, atol=1e-3 * spread)


@pytest.mark.parametrize("frequency", [(0, 0, 0), (3, 3, 0)])
def test_difference_of_means_counts_by_the_variance_of_cosines(frequency):
    noise = patch_noise((0.7, 0.7, 0.0), (4, 4, 4), like=DOUBLE)
    variance = float(noise.cosine_variance[int(np.ravel_multi_index(frequency, (4, 4, 4)))])
    assert variance > 4 or variance < 1 / 4
    spectrum, pilot = np.zeros((4, 4, 4)), np.full((40, 64), 100.0)
    for factor in (0.8, 1.25):  # of the least difference that is significant
        spectrum[frequency] = factor * 4 * math.sqrt(variance / 40)
        change = fft.idctn(spectrum, norm="ortho").ravel()
        expected = change * max(0, 1 - 1 / factor**2)
        np.testing.assert_allclose((estimates(pilot + change, pilot, noise) - pilot)[0], expected, atol=1e-4)


def test_residual_may_exceed_more_where_its_energy_varies_more():
    noise = patch_noise((0.7, 0.7, 0.0), (4, 4, 4), like=DOUBLE)
    limit = 1 + 0.3 * noise.energy_deviation
    pilot, signs = np.full((40, 64), 100.0), np.where(np.arange(40) % 2, 1.0, -1.0)[:, None]
    assert limit > 1.5
    within, beyond = (
        estimates(pilot + signs * math.sqrt(energy), pilot, noise) - pilot for energy in (limit - 0.1, limit + 0.1)
    )
    np.testing.assert_allclose(within, 0, atol=1e-9)
    assert np.abs(beyond).min() > 0.05


def test_no_direction_is_trusted_beyond_a_tenth_of_the_variance():
    precision = patch_noise((0.9, 0.9, 0.0), (4, 4, 4), like=DOUBLE).precision
    assert float(torch.linalg.eigvalsh(precision).max()) == pytest.approx(10)


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


@pytest.mark.parametrize(("correlation", "size"), [((0.0, 0.0, 0.0), 40), ((0.2, 0.0, 0.0), 80)])
@pytest.mark.parametrize("slices", [12, 1])
def test_groups_are_twice_as_large_where_noise_is_correlated(monkeypatch, correlation, size, slices):
    sizes = set()

    def spy(noisy, pilot, *, noise):
        sizes.add(pilot.shape[1])
        return patch_wiener(noisy, pilot, noise=noise)

    monkeypatch.setattr(importlib.import_module("monai_unsup_denoise.functional.nonlocal_bayes"), "patch_wiener", spy)
    clean = sheets()[..., :slices]
    nonlocal_bayes(clean, clean, torch.full_like(clean, 0.1), correlation=correlation)
    assert sizes == {size if slices > 1 else 90 * size // 40}


def test_larger_groups_are_no_larger_than_the_places_to_look():
    """In the plane of a single slice there are 17 x 17."""
    larger = SQUARES.in_larger_groups()
    assert (larger.candidates, larger.similar) == (289, 180)
    assert larger.in_larger_groups()[-2:] == (289, 289)


def test_coils_remove_the_bias_of_their_sum_of_squares():
    """Of 4 coils at an SNR of 4 magnitudes are biased by 0.81 sigma."""
    clean, sigma = torch.full((20, 20, 20), 4.0), torch.ones(20, 20, 20)
    noisy = add_scanner_noise(clean, 1.0, scanner=ScannerNoise(coils=4), generator=torch.Generator().manual_seed(0))
    assert float((noisy - clean).mean()) == pytest.approx(0.81, abs=0.03)
    assert float((nonlocal_bayes(noisy, clean, sigma, coils=4) - clean).mean()) == pytest.approx(0, abs=0.03)
