"""The noise of a volume: one number or a map, from every voxel or every second one."""

from functools import partial

import pytest
import torch
from monai.data import MetaTensor

from monai_unsup_denoise.functional import add_rician_noise, median_tissue_sigma, residual_noise_map, upsample_to
from monai_unsup_denoise.inference import NoiseEstimate, VolumeInferer
from monai_unsup_denoise.inference.noise import sigma_map
from monai_unsup_denoise.inference.settings import DenoiseSettings
from tests.inference.toy_networks import Immerkaer, Oracle, Rising, Spy, untrained_denoiser


def estimate(volume, network, *, varying=False, correlated=False) -> NoiseEstimate:
    settings = DenoiseSettings(varying_noise=varying, correlated_noise=correlated, refine=False)
    return VolumeInferer(settings=settings).estimate_noise(volume, network)


decided_from_the_scan = partial(estimate, varying=None)


def edge(*shape) -> torch.Tensor:
    """Ones, but for background at the start of the first axis."""
    clean = torch.ones(1, 1, *shape)
    clean[..., :4] = 0
    return clean


def test_stationary_noise_is_one_code_of_the_volume():
    network, volume = untrained_denoiser(), torch.rand(1, 1, 24, 20, 8)
    noise = estimate(volume, network)
    assert torch.equal(noise.code, network.encode_noise(volume)) and not noise.varies
    assert noise.sigma == pytest.approx(network.sigma(noise.code).item())


def test_varying_noise_is_a_map_from_the_residual():
    network, volume = untrained_denoiser(), torch.rand(1, 1, 24, 20, 8)
    noise = estimate(volume, network, varying=True)
    first = network.encode_noise_map(volume)
    sigma = network.sigma(upsample_to(first, volume)).unsqueeze(1)
    denoised = network(volume, upsample_to(first, volume))
    expected = residual_noise_map(volume, denoised, sigma, first.shape[2:])
    assert noise.varies and noise.code.shape[:2] == (1, 1)
    torch.testing.assert_close(network.sigma(noise.code), expected[:, 0])
    assert noise.sigma == pytest.approx(median_tissue_sigma(expected[:, 0], volume).item(), rel=1e-5)


def test_first_pass_corrects_a_wrong_estimate():
    clean = torch.zeros(1, 1, 24, 24, 24)
    clean[..., 8:] = 1.0
    sigma = torch.full_like(clean, 0.15)
    noisy = add_rician_noise(clean, sigma)
    oracle = Oracle(clean, sigma)
    estimated = sigma_map(noisy, estimate(noisy, oracle, varying=True), oracle)
    assert (estimated / sigma).mean().item() == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize(("factor", "varies"), [(1.0, False), (1.3, False), (2.0, True), (3.0, True)])
def test_map_is_used_only_where_noise_varies(factor, varies):
    clean = edge(48, 24, 24)
    network, noisy = Rising(clean, factor), add_rician_noise(clean, 0.1)
    noise = decided_from_the_scan(noisy, network)
    assert noise.varies == varies
    assert torch.equal(noise.code, estimate(noisy, network, varying=varies).code)


def test_faint_noise_is_one_number():
    clean = edge(48, 24, 24)
    assert not decided_from_the_scan(add_rician_noise(clean, 0.1), Rising(clean, 3.0, level=0.001)).varies


@pytest.mark.parametrize("axis", [2, 3, 4])
def test_correlated_noise_is_estimated_on_every_second_voxel(axis):
    white = 0.1 * torch.randn(1, 1, 41, 41, 41)
    volume = 1 + (white + white.roll(1, dims=axis)) / 2**0.5
    network = Immerkaer()
    noise = estimate(volume, network, correlated=None)
    assert noise.stride == tuple(2 if axis == other else 1 for other in (2, 3, 4)) and noise.is_correlated
    assert noise.sigma == pytest.approx(0.1, rel=0.02)
    assert torch.equal(noise.code, network.encode_noise(volume.index_select(axis, torch.arange(0, 41, 2))))
    if axis != 4:  # along which the estimator takes no differences
        assert estimate(volume, network).sigma < 0.8 * noise.sigma


def test_white_noise_is_estimated_on_every_voxel():
    network, volume = Immerkaer(), 1 + 0.1 * torch.randn(1, 1, 40, 41, 42)
    noise = estimate(volume, network, correlated=None)
    assert torch.equal(noise.code, network.encode_noise(volume)) and not noise.is_correlated


def test_stated_correlation_is_taken_along_every_axis():
    network, volume = Immerkaer(), 1 + 0.1 * torch.randn(1, 1, 40, 41, 42)
    noise = estimate(volume, network, correlated=True)
    assert noise.stride == (2, 2, 2)
    assert torch.equal(noise.code, network.encode_noise(volume[..., ::2, ::2, ::2]))


def test_metadata_does_not_reach_the_code():
    noise = estimate(MetaTensor(torch.rand(1, 1, 24, 20, 8)), untrained_denoiser(), varying=True)
    assert type(noise.code) is torch.Tensor


def test_sigma_map_follows_the_axes_of_the_volume():
    noise = NoiseEstimate(torch.tensor([0.1, 0.3]).view(1, 1, 1, 2, 1))
    level = sigma_map(torch.empty(1, 1, 4, 20, 6), noise, Spy())
    assert level.shape == (1, 1, 4, 20, 6)
    for part, expected in ((level[:, :, :, :5], 0.1), (level[:, :, :, -5:], 0.3)):
        torch.testing.assert_close(part, torch.full_like(part, expected))
