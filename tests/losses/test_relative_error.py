"""The error that noise levels share: its value, what counts how much, and that nothing is infinite."""

import pytest
import torch

from monai_unsup_denoise.losses.relative_error import relative_root_mean_square

SIGMA = torch.tensor([0.05, 0.3]).view(2, 1, 1, 1)
TWO_ERRORS = torch.tensor([0.02, 0.2]).view(2, 1, 1, 1).expand(2, 1, 16, 16)


def test_root_mean_square_is_that_of_numpy_over_a_power_of_sigma():
    clean, pred = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    errors = ((pred - clean).numpy() / SIGMA.numpy() ** 0.7).reshape(2, -1)
    expected = ((errors**2).mean(1) ** 0.5).mean()
    assert relative_root_mean_square(pred, clean, SIGMA).item() == pytest.approx(expected, rel=1e-4)


def test_under_the_root_an_image_counts_by_its_error():
    """Every image pulls with a gradient of one length, not with one that grows with its error."""
    clean = torch.rand(2, 1, 16, 16)
    pred = (clean + TWO_ERRORS).requires_grad_()
    relative_root_mean_square(pred, clean, torch.tensor(0.1)).backward()
    small, large = pred.grad.flatten(1).norm(dim=1).tolist()
    assert small == pytest.approx(large, rel=0.05)


def test_within_an_image_large_errors_count_by_their_square():
    clean = torch.zeros(1, 1, 2, 1)
    pred = torch.tensor([0.1, 0.3]).view_as(clean).requires_grad_()
    relative_root_mean_square(pred, clean, torch.tensor(0.1)).backward()
    first, second = pred.grad.flatten().tolist()
    assert second == pytest.approx(3 * first, rel=1e-5)


def test_a_perfect_image_has_a_finite_value_and_gradient():
    clean = torch.rand(1, 1, 8, 8)
    pred = clean.clone().requires_grad_()
    value = relative_root_mean_square(pred, clean, torch.tensor(0.1))
    value.backward()
    assert value.isfinite() and pred.grad.isfinite().all()
