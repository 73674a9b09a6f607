"""The two sides of the adversarial loss, with MONAI's least squares."""

import pytest
import torch
from torch import nn

from monai_unsup_denoise.losses.adversarial import discriminator_loss, generator_loss


class Mean(nn.Module):
    """A discriminator whose logits are the images' values; its earlier features must not count."""

    def forward(self, image):
        return [torch.full_like(image, 100.0), image]


def test_the_generator_s_loss_is_zero_for_images_taken_for_real(least_squares):
    fake = torch.full((2, 1, 4, 4), 0.25, requires_grad=True)
    loss = generator_loss(least_squares, Mean(), fake)
    assert loss.item() == pytest.approx((0.25 - 1) ** 2)
    loss.backward()
    assert (fake.grad < 0).all(), "descending must raise the logits of the fake"
    assert generator_loss(least_squares, Mean(), torch.ones(2, 1, 4, 4)).item() == 0


def test_the_discriminator_s_loss_is_zero_for_right_answers(least_squares):
    real, fake = torch.full((2, 1, 4, 4), 0.9, requires_grad=True), torch.full((2, 1, 4, 4), 0.3, requires_grad=True)
    loss = discriminator_loss(least_squares, Mean(), real, fake)
    assert loss.item() == pytest.approx(0.5 * ((0.9 - 1) ** 2 + 0.3**2), rel=1e-5)
    loss.backward()
    assert (real.grad < 0).all() and (fake.grad > 0).all()
    assert discriminator_loss(least_squares, Mean(), torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)).item() == 0


def test_the_gradient_passes_a_real_discriminator(least_squares, networks):
    fake = torch.rand(2, 3, 32, 32, requires_grad=True)
    generator_loss(least_squares, networks["discriminator_high"], fake).backward()
    assert fake.grad.abs().sum() > 0
