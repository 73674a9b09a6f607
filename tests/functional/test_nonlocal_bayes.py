"""Non-local Bayes refinement: one group against numpy, what it must gain, and what it must leave alone."""

import importlib
import itertools

import numpy as np
import pytest
import torch
from scipy import fft, ndimage
from scipy.stats import rice

from monai_unsup_denoise.functional import nonlocal_bayes
from tests.functional.refined_images import blurred, error, everywhere, noisy_of, rods

MODULE = importlib.import_module("monai_unsup_denoise.functional.nonlocal_bayes")  # the function has the same name
SHARE = MODULE._SHARE
CORNERS = list(itertools.product(range(1, 12), repeat=3))  # within 5 voxels of 6


def test_refinement_of_one_group_equals_numpy():
    """Only the patch at 6..9 of 16 voxels has signal: the result is that of a single group, C (C + v)^-1."""
    rng = np.random.default_rng(0)
    pilot = 0.02 * rng.random((16, 16, 16))
    pilot[6:10, 6:10, 6:10] = rng.choice([0.2, 2.6], (4, 4, 4), p=[0.85, 0.15])
    corners = itertools.product(range(0, 13, 3), repeat=3)
    assert sum(pilot[x : x + 4, y : y + 4, z : z + 4].mean() > 0.25 for x, y, z in corners) == 1
    offset = 1.5 * (np.indices(pilot.shape)[0] % 4 > 1)
    noisy = rice.rvs(pilot + offset, random_state=rng)
    refined = nonlocal_bayes(*(2.0 * torch.from_numpy(x).float() for x in (noisy, pilot, np.ones_like(pilot))))

    voxels = np.arange(16**3).reshape(16, 16, 16)
    patches = np.stack([voxels[c][:4, :4, :4].ravel() for c in (np.s_[x:, y:, z:] for x, y, z in CORNERS)])
    reference = voxels[6:10, 6:10, 6:10].ravel()
    means = ndimage.uniform_filter(pilot, 2, origin=-1)  # of the voxel and the next along each axis
    coarse = np.arange(64).reshape(4, 4, 4)[::2, ::2, ::2].ravel()
    distances = np.square(means.ravel()[patches[:, coarse]] - means.ravel()[reference[coarse]]).mean(1)
    candidates = patches[np.argsort(distances)[:80]]
    distances = np.square(pilot.ravel()[candidates] - pilot.ravel()[reference]).sum(1)
    group = candidates[np.argsort(distances)[:40]]

    known, z = pilot.ravel()[group], (noisy - (rice.mean(pilot) - pilot)).ravel()[group]
    variance = rice.var(known.mean())
    covariance = np.cov(known.T)
    difference = fft.dctn((z.mean(0) - known.mean(0)).reshape(4, 4, 4), norm="ortho")
    kept = np.clip(1 - 16 * variance / 40 / difference**2, 0, None)
    assert 0 < (kept > 0).sum() < 64
    mean = known.mean(0) + fft.idctn(kept * difference, norm="ortho").ravel()
    estimates = mean + (z - z.mean(0)) @ np.linalg.inv(covariance + variance * np.eye(64)) @ covariance
    excess = max(0, np.square(z - estimates).mean() - 1.3 * variance)
    estimates += excess / (excess + variance) * (z - estimates)

    total, count = np.zeros(16**3), np.zeros(16**3)
    np.add.at(total, group, estimates)
    np.add.at(count, group, 1)
    estimate = np.where(count > 0, total / np.maximum(count, 1), pilot.ravel()).reshape(pilot.shape)
    expected = 2.0 * np.clip(pilot + 0.9 * pilot**2 / (pilot**2 + 0.25) * (estimate - pilot), 0, None)
    assert np.abs(expected - 2 * pilot).max() > 0.1
    np.testing.assert_allclose(refined.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("sigma", "share"), [(0.05, 0.35), (0.2, 0.65)])
def test_refinement_restores_detail_the_pilot_lost(sigma, share):
    clean = rods()
    noisy = noisy_of(clean, sigma)
    pilot = blurred(clean)
    refined = nonlocal_bayes(noisy, pilot, everywhere(sigma, noisy))
    assert error(refined, clean) < share * error(pilot, clean)
    assert error(refined, clean) < error(noisy, clean)


def test_refinement_keeps_a_correct_pilot():
    clean = rods()
    refined = nonlocal_bayes(noisy_of(clean, 0.2), clean, everywhere(0.2, clean))
    assert error(refined, clean) < 0.15 * 0.2


def test_refinement_removes_a_constant_bias_by_its_share():
    clean = torch.full((48, 48, 48), 1.0)
    refined = nonlocal_bayes(noisy_of(clean, 0.05), clean - 0.1, everywhere(0.05, clean))
    assert float((clean - refined).mean()) == pytest.approx(0.1 * (1 - SHARE), rel=0.1)


def test_refinement_adds_no_rician_bias():
    """At an SNR of 2 magnitudes are biased by 0.27 sigma; a correct pilot corrects it exactly."""
    clean = torch.full((32, 32, 32), 2.0)
    noisy = noisy_of(clean, 1.0)
    assert float((noisy - clean).mean()) == pytest.approx(0.27, abs=0.02)
    assert float((nonlocal_bayes(noisy, clean, everywhere(1.0, clean)) - clean).mean()) == pytest.approx(0, abs=0.02)


def test_refinement_keeps_zero_background():
    pilot = torch.zeros(20, 20, 20)
    pilot[10:] = 1.0
    refined = nonlocal_bayes(noisy_of(pilot, 0.1), pilot, everywhere(0.1, pilot))
    assert torch.equal(refined[:10], pilot[:10])
    assert not torch.equal(refined[10:], pilot[10:])


@pytest.mark.parametrize(("sigma", "slices"), [(1e-2, 12), (1e-4, 12), (1e-6, 12), (1e-2, 3), (1e-4, 3)])
def test_refinement_at_very_low_noise_follows_the_scan(sigma, slices):
    clean = rods((40, 40, slices))
    pilot = clean + sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    refined = nonlocal_bayes(clean, pilot, everywhere(sigma, clean))
    assert error(refined, clean) < 0.55 * error(pilot, clean)


def test_refinement_without_noise_keeps_the_pilot():
    clean = rods((20, 20, 12))
    refined = nonlocal_bayes(clean, clean, everywhere(1e-12, clean))
    torch.testing.assert_close(refined, clean, rtol=1e-5, atol=1e-5)


def test_refinement_uses_the_local_sigma():
    clean = rods((60, 24, 16))
    left, right = everywhere(0.05, clean), everywhere(0.2, clean)
    both = torch.cat([left[:30], right[30:]])
    noisy, pilot = noisy_of(clean, 0.1), blurred(clean)
    of_left, of_right, of_both = (nonlocal_bayes(noisy, pilot, sigma) for sigma in (left, right, both))
    reach = 2 * (5 + 4)  # voxel - reference - group
    torch.testing.assert_close(of_both[: 30 - reach], of_left[: 30 - reach], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(of_both[30 + reach :], of_right[30 + reach :], rtol=1e-4, atol=1e-4)
    assert error(of_left, of_right) > 0.01


@pytest.mark.parametrize("factor", [0.001, 1000.0])
def test_refinement_is_independent_of_the_units(factor):
    clean = rods((20, 20, 12))
    noisy, pilot, sigma = noisy_of(clean, 0.1), blurred(clean), everywhere(0.1, clean)
    scaled = nonlocal_bayes(factor * noisy, factor * pilot, factor * sigma)
    torch.testing.assert_close(scaled / factor, nonlocal_bayes(noisy, pilot, sigma), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(16, 16, 5), (5, 7, 6), (5, 5, 5), (17, 30, 9), (5, 9, 1), (30, 21, 2), (3, 19, 17)])
def test_refinement_reaches_every_voxel_of_any_shape(shape):
    pilot = 1 + torch.rand(shape, generator=torch.Generator().manual_seed(0))
    refined = nonlocal_bayes(pilot + 0.5, pilot, everywhere(0.1, pilot))
    assert refined.shape == shape
    assert (refined > pilot).all()


def test_refinement_slabs_leave_no_seam(monkeypatch):
    clean = rods()
    noisy, pilot, sigma = noisy_of(clean, 0.1), blurred(clean), everywhere(0.1, clean)
    monkeypatch.setattr(MODULE, "_ROWS", 100)
    whole = nonlocal_bayes(noisy, pilot, sigma)
    monkeypatch.setattr(MODULE, "_ROWS", 1)
    monkeypatch.setattr(MODULE, "_GROUPS", 7)
    torch.testing.assert_close(nonlocal_bayes(noisy, pilot, sigma), whole, rtol=1e-4, atol=1e-4)


def test_refinement_has_the_same_bits_with_any_threads():
    clean, results, before = rods(), [], torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(nonlocal_bayes(noisy_of(clean, 0.1), blurred(clean), everywhere(0.1, clean)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_patches_beyond_the_border_are_no_members(monkeypatch):
    """Moved back into the volume, they would be there twice, and their noise would count as signal."""
    corners = []
    wiener = MODULE.patch_wiener
    monkeypatch.setattr(
        MODULE,
        "patch_wiener",
        lambda noisy, pilot, noise: corners.append(pilot[:, :, 0]) or wiener(noisy, pilot, noise=noise),
    )
    pilot = torch.arange(1.0, 1 + 12 * 12 * 12).view(12, 12, 12)  # each patch begins with another value
    nonlocal_bayes(pilot, pilot, everywhere(1.0, pilot))
    firsts = torch.cat(corners)
    assert firsts.shape[1] == 40
    assert all(len(group.unique()) == 40 for group in firsts)
