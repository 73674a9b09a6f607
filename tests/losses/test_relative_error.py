"""The error in units of the noise: its value, and that every image counts the same."""

import math

import pytest
import torch

from monai_unsup_denoise.losses.relative_error import log_relative_error

SIGMA = torch.tensor([0.05, 0.3]).view(2, 1, 1, 1)


def test_an_error_of_a_constant_part_of_sigma_is_its_logarithm():
    clean = torch.rand(2, 1, 16, 16)
    for power in (1, 2):
        value = log_relative_error(clean + 0.5 * SIGMA, clean, SIGMA, power=power).item()
        assert value == pytest.approx(math.log(0.5), abs=0.02)


def test_half_the_error_is_the_same_gain_at_every_level_and_for_every_image():
    clean = torch.rand(2, 1, 16, 16)
    errors = torch.stack([torch.full((1, 16, 16), 0.02), torch.full((1, 16, 16), 0.2)])
    base = log_relative_error(clean + errors, clean, SIGMA)
    for item in range(2):
        halved = errors.clone()
        halved[item] /= 2
        gain = base - log_relative_error(clean + halved, clean, SIGMA)
        assert gain.item() == pytest.approx(math.log(2) / 2, rel=0.05)


def test_with_the_squared_error_it_follows_the_psnr():
    clean = torch.rand(1, 1, 32, 32)
    sigma = torch.tensor(0.1)
    first, second = clean + 0.1 * torch.randn_like(clean), clean + 0.05 * torch.randn_like(clean)

    def psnr(image: torch.Tensor) -> float:
        return -10 * math.log10((image - clean).square().mean().item())

    gain = log_relative_error(first, clean, sigma, power=2) - log_relative_error(second, clean, sigma, power=2)
    assert 20 / math.log(10) * gain.item() == pytest.approx(psnr(second) - psnr(first), rel=0.01)


def test_a_perfect_image_has_a_finite_value_and_gradient():
    clean = torch.rand(1, 1, 8, 8)
    pred = clean.clone().requires_grad_()
    value = log_relative_error(pred, clean, torch.tensor(0.1))
    value.backward()
    assert value.isfinite() and pred.grad.isfinite().all()


def test_another_power_is_refused():
    with pytest.raises(ValueError, match="power"):
        log_relative_error(torch.ones(1, 1, 2), torch.ones(1, 1, 2), torch.tensor(1.0), power=3)
