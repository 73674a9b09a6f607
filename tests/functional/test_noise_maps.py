"""Noise maps: statistics of known maps, and estimates from residuals of known noise."""

import math

import pytest
import torch

from monai_unsup_denoise.functional import (
    add_rician_noise,
    least_sigma,
    log_sigma_rms,
    median_tissue_sigma,
    residual_noise_map,
)


@pytest.fixture
def head() -> torch.Tensor:
    """Tissue of 1 in the central half of the first axis, background of 0.1 around it; a part is masked."""
    image = torch.full((1, 1, 80, 16, 16), 0.1)
    image[:, :, 20:60] = 1.0
    image[..., :4] = 0.0
    return image


def test_log_rms_of_stationary_noise_is_zero(head):
    even = torch.full((1, 20, 4, 4), 0.3)
    assert log_sigma_rms(even, torch.tensor([0.3]), head).tolist() == [0.0]
    assert log_sigma_rms(even, torch.tensor([0.15]), head).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("factor", [1.3, 2.0])
def test_log_rms_of_a_ramp_is_that_of_a_uniform_distribution(head, factor):
    place = torch.linspace(-0.5, 0.5, 400).view(1, -1, 1, 1)
    levels = 0.1 * factor ** (2 * place).expand(1, -1, 4, 4)  # the factor is over tissue, half of the axis
    image = torch.nn.functional.interpolate(head, size=(400, 16, 16))
    expected = math.log(factor) / math.sqrt(12)
    assert log_sigma_rms(levels, torch.tensor([0.1]), image).item() == pytest.approx(expected, rel=0.02)
    assert log_sigma_rms(7 * levels, torch.tensor([0.7]), 7 * image).item() == pytest.approx(expected, rel=0.02)


def test_statistics_ignore_background_and_masks(head):
    levels = torch.full((1, 20, 4, 4), 9.0)
    levels[:, 5:15, :, 1:] = 0.2
    assert log_sigma_rms(levels, torch.tensor([0.2]), head).item() == 0
    assert median_tissue_sigma(levels, head).item() == pytest.approx(0.2)


def test_statistics_treat_volumes_separately(head):
    levels = torch.cat([torch.full((1, 20, 4, 4), level) for level in (0.1, 0.4)])
    both = log_sigma_rms(levels, torch.tensor([0.1, 0.2]), head.expand(2, -1, -1, -1, -1))
    torch.testing.assert_close(both, torch.tensor([0.0, math.log(2)]))
    torch.testing.assert_close(median_tissue_sigma(levels, head.expand(2, -1, -1, -1, -1)), torch.tensor([0.1, 0.4]))


def test_median_sigma_ignores_outliers(head):
    levels = torch.full((1, 20, 4, 4), 0.2)
    levels[:, 5:9] = 5.0
    assert median_tissue_sigma(levels, head).item() == pytest.approx(0.2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_statistics_without_tissue_are_those_of_the_map(value):
    image, levels = torch.full((1, 1, 8, 8, 8), value), torch.full((1, 2, 2, 2), 0.3)
    assert log_sigma_rms(levels, torch.tensor([0.1]), image).item() == 0
    assert median_tissue_sigma(levels, image).item() == pytest.approx(0.3)


SHAPE = (48, 40, 32)


@pytest.fixture
def clean() -> torch.Tensor:
    """Background, and tissue well above the noise."""
    image = torch.zeros(1, 1, *SHAPE)
    image[:, :, 16:, 10:] = 0.3 + 0.7 * torch.rand(1, 1, 32, 30, 32)
    return image


def noisy_of(clean: torch.Tensor, sigma: float | torch.Tensor) -> torch.Tensor:
    return add_rician_noise(clean, sigma, generator=torch.Generator().manual_seed(0))


def test_residual_of_the_truth_gives_sigma_everywhere(clean):
    sigma = torch.full((1, 1, 1, 1, 1), 0.1)
    found = residual_noise_map(noisy_of(clean, 0.1), clean, sigma, (12, 10, 32))
    assert found.shape == (1, 1, 12, 10, 32)
    assert (found / 0.1 - 1).abs().max() < 0.1
    assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.01)


def test_residual_corrects_a_wrong_first_sigma(clean):
    for first in (0.09, 0.11):
        sigma = torch.full((1, 1, 1, 1, 1), first)
        found = residual_noise_map(noisy_of(clean, 0.1), clean, sigma, (12, 10, 32))
        assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.03)


def test_residual_map_follows_varying_noise():
    clean = torch.zeros(1, 1, 96, 80, 32)
    clean[:, :, 32:, 20:] = 0.3 + 0.7 * torch.rand(1, 1, 64, 60, 32)
    sigma = torch.linspace(0.07, 0.14, 96).view(1, 1, -1, 1, 1).expand_as(clean)
    found = residual_noise_map(noisy_of(clean, sigma), clean, sigma, clean.shape[2:])
    assert (found / sigma - 1).abs().max() < 0.15
    one_number = (found.mean() / sigma - 1).abs().max()
    assert one_number > 0.3


def test_residual_map_ignores_masked_voxels(clean):
    noisy = torch.where(clean > 0, noisy_of(clean, 0.1), 0.0)
    found = residual_noise_map(noisy, clean, torch.full((1, 1, 1, 1, 1), 0.1), (12, 10, 32))
    assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.03)


def test_residual_map_is_biased_low_by_denoising_errors(clean):
    """The average of truth and noisy image removes half of the noise, a quarter of its power."""
    noisy = noisy_of(clean, 0.1)
    found = residual_noise_map(noisy, (noisy + clean) / 2, torch.full((1, 1, 1, 1, 1), 0.1), (12, 10, 32), scale=4)
    assert found[..., 8:, 6:, :].mean().item() == pytest.approx(0.05, rel=0.1)


def test_smooth_errors_of_the_denoiser_are_not_taken_for_noise():
    """A wave of 12 voxels, as strong as the noise, would raise the root mean square of the residual to 1.22 sigma."""
    clean, sigma = torch.ones(1, 1, *SHAPE), torch.full((1, 1, 1, 1, 1), 0.1)
    place = sum(torch.meshgrid(*map(torch.arange, SHAPE), indexing="ij"))
    denoised = clean + 0.1 * torch.sin(2 * math.pi / 12 * place)
    found = residual_noise_map(noisy_of(clean, 0.1), denoised, sigma, (12, 10, 32))
    assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("shape", [(2, 64, 32), (64, 64, 1), (1, 64, 1)])
def test_residual_map_of_thin_volumes(shape):
    clean, sigma = torch.ones(1, 1, *shape), torch.full((1, 1, 1, 1, 1), 0.1)
    found = residual_noise_map(noisy_of(clean, 0.1), clean, sigma, (1, 4, 1))
    assert (found / 0.1).mean().item() == pytest.approx(1, abs=0.15)


def test_residual_map_is_that_of_the_volume_in_one_piece(clean, monkeypatch):
    noisy, sigma = noisy_of(clean, 0.1), torch.full((1, 1, 1, 1, 1), 0.1)
    in_rows = residual_noise_map(noisy, clean, sigma, (12, 10, 32))
    monkeypatch.setattr("monai_unsup_denoise.functional.noise_maps._ROWS", 100)
    torch.testing.assert_close(in_rows, residual_noise_map(noisy, clean, sigma, (12, 10, 32)))


@pytest.mark.parametrize("amplitude", [0.0, 1.0])
def test_least_sigma_of_white_noise_is_little_below_it(amplitude):
    noisy = add_rician_noise(torch.full((1, 1, 64, 64, 8), amplitude), 0.1)
    assert 0.05 < least_sigma(noisy) < 0.09


def test_least_sigma_is_that_of_the_quietest_part(clean):
    sigma = torch.full_like(clean, 0.2)
    sigma[..., 16:] = 0.05
    noisy = add_rician_noise(torch.ones_like(clean), sigma)
    assert least_sigma(noisy) == pytest.approx(0.05 * 0.75, rel=0.2)
    noisy[..., 16:] = 0  # a mask does not count
    assert least_sigma(noisy) == pytest.approx(0.2 * 0.75, rel=0.2)
    assert least_sigma(torch.zeros_like(noisy)) == math.inf
