"""The noise of a volume: one number or a map, how sure it is, and what else is read of it."""

import math
from functools import partial

import pytest
import torch
from monai.data import MetaTensor

from monai_unsup_denoise.functional import add_rician_noise, median_tissue_sigma, residual_noise_map, upsample_to
from monai_unsup_denoise.inference import NoiseEstimate, VolumeInferer
from monai_unsup_denoise.inference import noise as noise_module
from monai_unsup_denoise.inference.noise import sigma_map
from monai_unsup_denoise.inference.settings import DenoiseSettings
from tests.inference.toy_networks import Oracle, Rising, Spy, untrained_denoiser


def estimate(volume, network, *, varying=False) -> NoiseEstimate:
    settings = DenoiseSettings(varying_noise=varying, refine=False)
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
    first = network.noise_map(network.noise_cells(volume))
    sigma = network.sigma(upsample_to(first, volume)).unsqueeze(1)
    denoised = network(volume, upsample_to(first, volume))
    expected = residual_noise_map(volume, denoised, sigma, first.shape[2:])
    assert noise.varies and noise.code.shape == (1, 5, 6, 5, 2)
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


@pytest.mark.parametrize(
    ("height", "most", "slabs"),
    [(37, 10**9, [(0, 16), (16, 37)]), (40, 16 * 30**2, [(16, 40)]), (100, 40 * 30**2, [(16, 32), (64, 80)])],
)
def test_large_volumes_are_read_in_slabs_and_gaps(monkeypatch, height, most, slabs):
    monkeypatch.setattr(noise_module, "_SLAB", 16 * 30**2)
    monkeypatch.setattr(noise_module, "_READ", most)
    network, volume = Spy(), torch.rand(1, 1, height, 30, 30)
    volume += torch.linspace(1, 2, height).view(-1, 1, 1)
    noise = estimate(volume, network, varying=True)
    read = [volume[:, :, start:stop] for start, stop in slabs]
    assert all(torch.equal(seen, part) for seen, part in zip(network.encoded, read, strict=True))
    assert estimate(volume, network).sigma == pytest.approx(torch.cat(read, dim=2).std().item(), rel=1e-4)
    assert noise.code.shape[2:] == (math.ceil(height / 4), 8, 8)


def test_map_of_a_gap_is_that_of_the_nearest_slab(monkeypatch):
    monkeypatch.setattr(noise_module, "_SLAB", 8 * 20**2)
    monkeypatch.setattr(noise_module, "_READ", 16 * 20**2)
    volume = torch.ones(1, 1, 64, 20, 20)
    volume[:, :, 32:] = 3
    cells, nearest = noise_module._read_cells(volume, Spy())
    assert cells.shape[2] == 4 and nearest.tolist() == [0] * 5 + [1] * 4 + [2] * 4 + [3] * 3
    assert Spy().noise_map(cells[:, :, nearest])[0, 0, :, 0, 0].tolist() == pytest.approx([1.1] * 9 + [3.1] * 7)


@pytest.mark.parametrize("height", [57, 64])
def test_noise_read_in_slabs_is_that_of_the_whole(monkeypatch, height):
    network = untrained_denoiser()
    volume = 5 + 0.1 * torch.randn(1, 1, height, 40, 40)
    whole = estimate(volume, network)
    monkeypatch.setattr(noise_module, "_SLAB", 8 * 40**2)
    slabs = estimate(volume, network)
    monkeypatch.setattr(noise_module, "_READ", 16 * 40**2)
    few = estimate(volume, network)
    assert slabs.sigma == pytest.approx(whole.sigma, rel=0.01) == pytest.approx(0.1, rel=0.05)
    assert few.sigma == pytest.approx(whole.sigma, rel=0.02)


@pytest.mark.parametrize(("deviation", "error", "is_sure"), [(0.02, 0.1, True), (0.06, 0.3, False)])
def test_error_is_that_of_the_code_in_sigma(deviation, error, is_sure):
    network, volume = Spy(), torch.randn(1, 1, 20, 20, 20)
    volume *= 0.2 / volume.std()
    network.log_variance = 2 * math.log(deviation)
    noise = estimate(volume, network)
    assert noise.sigma == pytest.approx(0.2) and noise.error == pytest.approx(error, rel=1e-3)
    assert noise.is_sure == is_sure


@pytest.mark.parametrize(
    ("correlation", "is_correlated"),
    [((0.0, 0.05, -0.05), False), ((0.0, 0.0, 0.3), True), ((0.0, -0.2, 0.0), True)],
)
@pytest.mark.parametrize("varying", [False, True])
def test_correlation_and_coils_are_those_of_the_code(correlation, is_correlated, varying):
    network = Spy()
    network.correlated, network.combined = correlation, 7.6
    noise = estimate(torch.rand(1, 1, 16, 12, 8), network, varying=varying)
    assert noise.correlation == pytest.approx(correlation) and noise.is_correlated == is_correlated
    assert noise.coils == pytest.approx(7.6) and noise.varies == varying


@pytest.mark.parametrize(("axis", "expected"), [(0, (3, 1, 2)), (1, (1, 3, 2)), (2, (1, 2, 3))])
def test_noise_is_reported_along_the_axes_of_the_file(axis, expected):
    noise = NoiseEstimate(torch.zeros(1, 1), 0.1, correlation=(1, 2, 3))
    fields = noise.in_the_file({"reference": 50.0, "slice_axis": axis})
    assert fields["correlation"] == expected and fields["sigma"] == pytest.approx(5.0)


def test_metadata_does_not_reach_the_code():
    noise = estimate(MetaTensor(torch.rand(1, 1, 24, 20, 8)), untrained_denoiser(), varying=True)
    assert type(noise.code) is torch.Tensor


def test_sigma_map_follows_the_axes_of_the_volume():
    noise = NoiseEstimate(torch.tensor([0.1, 0.3]).view(1, 1, 1, 2, 1))
    level = sigma_map(torch.empty(1, 1, 4, 20, 6), noise, Spy())
    assert level.shape == (1, 1, 4, 20, 6)
    for part, expected in ((level[:, :, :, :5], 0.1), (level[:, :, :, -5:], 0.3)):
        torch.testing.assert_close(part, torch.full_like(part, expected))
