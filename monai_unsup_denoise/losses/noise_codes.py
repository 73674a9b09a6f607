"""Noise codes to train with: drawn from the prior, and averaged over an image."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from monai_unsup_denoise.protocols import TrainableNetwork


def draw_codes(denoiser: TrainableNetwork, levels: Sequence[float], *, like: Tensor) -> Tensor:
    """Codes ``(B, 5)`` of white noise of one coil for images ``(B, C, *spatial)``, on their device.

    Levels are log-uniform between the two of ``levels``, in units of the reference intensity.
    """
    low, high = (math.log(level) for level in levels)
    sigma = torch.exp(low + (high - low) * torch.rand(len(like))).to(like.device)
    return denoiser.code_of(sigma, sigma.new_zeros(len(like), 3), torch.ones_like(sigma))


def mean_code(code: Tensor) -> Tensor:
    """Codes ``(B, code_channels)``; of maps, the mean over the image."""
    return code if code.dim() == 2 else code.flatten(2).mean(-1)
