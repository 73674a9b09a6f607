"""The logarithmic error of the ablation: its value, and that every image counts the same."""

import math

import pytest
import torch

from experiments.log_error import log_mean_absolute

SIGMA = torch.tensor([0.05, 0.3]).view(2, 1, 1, 1)
TWO_ERRORS = torch.tensor([0.02, 0.2]).view(2, 1, 1, 1).expand(2, 1, 16, 16)


def test_an_error_of_a_constant_part_of_sigma_is_its_logarithm():
    clean = torch.rand(2, 1, 16, 16)
    value = log_mean_absolute(clean + 0.5 * SIGMA, clean, SIGMA).item()
    assert value == pytest.approx(math.log(0.5), abs=0.02)


def test_under_the_logarithm_half_the_error_is_the_same_gain():
    clean = torch.rand(2, 1, 16, 16)
    base = log_mean_absolute(clean + TWO_ERRORS, clean, SIGMA)
    for item in range(2):
        halved = TWO_ERRORS.clone()
        halved[item] /= 2
        gain = base - log_mean_absolute(clean + halved, clean, SIGMA)
        assert gain.item() == pytest.approx(math.log(2) / 2, rel=0.05)


def test_a_perfect_image_has_a_finite_value_and_gradient():
    clean = torch.rand(1, 1, 8, 8)
    pred = clean.clone().requires_grad_()
    value = log_mean_absolute(pred, clean, torch.tensor(0.1))
    value.backward()
    assert value.isfinite() and pred.grad.isfinite().all()
