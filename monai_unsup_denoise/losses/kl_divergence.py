"""Equation (2): the KL divergence of the noise code from a standard normal, and its samples."""

import torch
from torch import Tensor


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """``L_KL = 1/2 sum(mu^2 + sigma^2 - 1 - log sigma^2)`` of ``mu`` and ``log sigma^2``, each ``(B, code_channels)``.

    Summed over the code, averaged over the batch.
    """
    mean, log_variance = mean.float(), log_variance.float()
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()


def sample_code(mean: Tensor, log_variance: Tensor) -> Tensor:
    """``z = mu + sigma * eps``, ``eps ~ N(0, 1)``: the reparameterised sample of equation (2)."""
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
