"""The noise level read off the residual: known truths, masks, and what a poor denoiser does to it."""

import pytest
import torch

from monai_unsup_denoise.functional import add_rician_noise, residual_noise_map

SHAPE = (48, 40, 32)


@pytest.fixture
def clean() -> torch.Tensor:
    """Air, and tissue of several times the noise."""
    image = torch.zeros(1, 1, *SHAPE)
    image[:, :, 16:, 10:] = 0.3 + 0.7 * torch.rand(1, 1, 32, 30, 32)
    return image


def noisy_of(clean: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
    return add_rician_noise(clean, sigma, generator=torch.Generator().manual_seed(0))


def test_after_a_perfect_denoising_it_is_the_noise_level_in_air_and_tissue(clean):
    sigma = torch.full((1, 1, 1, 1, 1), 0.1)
    found = residual_noise_map(noisy_of(clean, 0.1), clean, sigma, (12, 10, 32), scale=8)
    assert found.shape == (1, 1, 12, 10, 32)
    assert (found / 0.1 - 1).abs().max() < 0.1
    assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.01)


def test_a_first_estimate_that_was_off_by_a_tenth_is_nearer_afterwards(clean):
    for first in (0.09, 0.11):
        sigma = torch.full((1, 1, 1, 1, 1), first)
        found = residual_noise_map(noisy_of(clean, 0.1), clean, sigma, (12, 10, 32))
        assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.03)


def test_it_follows_noise_that_varies(clean):
    sigma = torch.linspace(0.07, 0.14, SHAPE[0]).view(1, 1, -1, 1, 1).expand_as(clean)
    found = residual_noise_map(noisy_of(clean, sigma), clean, sigma, SHAPE, scale=8)
    assert (found / sigma - 1).abs().max() < 0.15
    one_number = (found.mean() / sigma - 1).abs().max()
    assert one_number > 0.3


def test_masked_air_does_not_count(clean):
    noisy = torch.where(clean > 0, noisy_of(clean, 0.1), 0.0)
    found = residual_noise_map(noisy, clean, torch.full((1, 1, 1, 1, 1), 0.1), (12, 10, 32))
    assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.03)


def test_errors_that_the_denoiser_leaves_are_no_noise_removed(clean):
    """An average of the truth and the noisy image removes half of the noise: a quarter of its power."""
    noisy = noisy_of(clean, 0.1)
    found = residual_noise_map(noisy, (noisy + clean) / 2, torch.full((1, 1, 1, 1, 1), 0.1), (12, 10, 32), scale=4)
    assert found[..., 8:, 6:, :].mean().item() == pytest.approx(0.05, rel=0.1)
