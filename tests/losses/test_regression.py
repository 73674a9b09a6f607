"""Regression of one network onto the clean image."""

import torch
from torch import nn

from monai_unsup_denoise.losses import RegressionObjective


def test_the_term_is_the_squared_error_of_the_denoised_image(batch):
    denoiser = nn.Conv2d(3, 3, kernel_size=1)
    objective = RegressionObjective({"reconstruction": 1.0})
    terms, images = objective.generator_step({"denoiser": denoiser}, batch)
    torch.testing.assert_close(terms["reconstruction"], (denoiser(batch["noisy"]) - batch["clean"]).square().mean())
    assert not images["pred"].requires_grad
    assert objective.discriminator_step({}, batch, images) == {}
    terms["reconstruction"].backward()
    assert denoiser.weight.grad.abs().sum() > 0
