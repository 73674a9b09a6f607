"""The uncertainty map: standard deviation of the expected error, by parametric bootstrap."""

import math

import pytest
import torch

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.inference import DenoiseSettings, NoiseEstimate, VolumeInferer, maps
from monai_unsup_denoise.inference.maps import half_width_maps, uncertainty_map
from monai_unsup_denoise.inference.noise import sigma_map
from monai_unsup_denoise.networks import ErrorHead
from monai_unsup_denoise.networks.error_head import noise_numbers
from tests.inference.toy_networks import MeanOfNeighbours, Spy

PLAIN = DenoiseSettings(refine=False)


def uncertainty(denoised, sigma, network=None, **options):
    network = network or Spy()
    noise = NoiseEstimate(sigma if isinstance(sigma, torch.Tensor) else torch.tensor([[sigma]]))
    inferer = VolumeInferer(settings=PLAIN)
    return uncertainty_map(
        denoised,
        sigma_map(denoised, noise, network),
        lambda volume: inferer(volume, network, noise=noise),
        **options,
    )


def interior(image: torch.Tensor, margin: int = 6) -> torch.Tensor:
    return image[..., margin:-margin, margin:-margin, margin:-margin]


def test_without_denoising_the_error_in_tissue_is_sigma():
    made = uncertainty(torch.full((1, 1, 26, 22, 20), 2.0), 0.1)
    torch.testing.assert_close(interior(made), torch.full_like(interior(made), 0.1), rtol=0.2, atol=0)
    assert interior(made).square().mean().sqrt().item() == pytest.approx(0.1, rel=0.05)


def test_without_denoising_background_errs_by_root_two_sigma():
    made = uncertainty(torch.zeros(1, 1, 32, 32, 32), 0.1)
    assert interior(made).square().mean().sqrt().item() == pytest.approx(0.1 * math.sqrt(2), rel=0.03)


def test_error_follows_the_noise_level():
    sigma = torch.tensor([0.05, 0.2]).view(1, 1, 1, 1, 2)
    made = uncertainty(torch.full((1, 1, 24, 24, 60), 5.0), sigma)
    expected = upsample_to(sigma, made)
    torch.testing.assert_close(interior(made).mean((2, 3)), interior(expected).mean((2, 3)), rtol=0.1, atol=0)


@pytest.mark.parametrize("factor, expected", [(0.0, 1.0), (0.5, math.sqrt(0.5**2 + 0.1**2 / 4))])
def test_bias_counts_as_well_as_noise(factor, expected):
    made = uncertainty(torch.ones(1, 1, 32, 32, 32), 0.1, Spy(factor=factor))
    assert interior(made).square().mean().sqrt().item() == pytest.approx(expected, rel=0.02)


def test_mean_of_27_voxels_errs_less_by_root_27():
    made = uncertainty(torch.full((1, 1, 32, 32, 32), 5.0), 0.1, MeanOfNeighbours(), repeats=8)
    assert interior(made).square().mean().sqrt().item() == pytest.approx(0.1 / math.sqrt(27), rel=0.1)


@pytest.mark.parametrize("shape", [(24, 24, 24), (24, 24, 1), (3, 30, 30)])
def test_error_at_the_border_is_as_within(shape):
    made = uncertainty(torch.full((1, 1, *shape), 5.0), 0.1, repeats=16)
    for axis in (2, 3, 4):
        for place in (0, shape[axis - 2] // 2, -1):
            layer = made.select(axis, place)
            assert layer.square().mean().sqrt().item() == pytest.approx(0.1, rel=0.1)


def test_seed_decides_the_map_and_global_state_is_untouched():
    denoised = torch.rand(1, 1, 12, 12, 6)
    before = torch.get_rng_state()
    first, again = (uncertainty(denoised, 0.1, repeats=2, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.allclose(first, uncertainty(denoised, 0.1, repeats=2, seed=4))


def test_each_repeat_has_noise_of_its_own():
    rough, fine = (uncertainty(torch.full((1, 1, 32, 32, 32), 5.0), 0.1, repeats=repeats) for repeats in (1, 16))
    assert interior(fine).std() < 0.4 * interior(rough).std()


@torch.no_grad()
def test_tiles_of_the_error_head_have_no_seams(monkeypatch):
    torch.manual_seed(0)
    head, sigma = ErrorHead().eval(), torch.full((1, 1, 40, 36, 20), 0.1)
    head.factors.copy_(torch.tensor([1.5, 2.0]))
    noisy, denoised = torch.rand(2, *sigma.shape)
    noise = NoiseEstimate(torch.zeros(1, 1), 0.1, 0.05, (0.3, 0.2, 0.1), coils=4)
    expected = head(noisy, denoised, sigma, noise_numbers((0.3, 0.2, 0.1), coils=4, error=0.05))
    monkeypatch.setattr(maps, "_TILE", 24**3)
    torch.testing.assert_close(half_width_maps(head, noisy, denoised, sigma, noise), expected)
    monkeypatch.setattr(head, "halo", 0)  # seams would be seen
    assert not torch.allclose(half_width_maps(head, noisy, denoised, sigma, noise), expected)
