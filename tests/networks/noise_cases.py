"""A noisy image and a trained encoder, for the tests of the noise code."""

import torch

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.networks import NoiseEncoder


def noisy_disc(side: int = 48, *, sigma: float = 0.1) -> torch.Tensor:
    """A smooth disc in background, with Rician noise, ``(1, 1, side, side)``."""
    axis = torch.linspace(-1, 1, side)
    disc = torch.sigmoid(20 * (0.6 - torch.hypot(axis[:, None], axis[None, :])))
    return add_rician_noise(disc[None, None], sigma)


def trained(encoder: NoiseEncoder) -> NoiseEncoder:
    """Replace the zeros of an untrained encoder by random weights."""
    torch.nn.init.normal_(encoder.head.weight, std=0.3)
    torch.nn.init.normal_(encoder.head.bias, std=0.3)
    torch.nn.init.normal_(encoder.log_variance_weight, std=0.1)
    return encoder
