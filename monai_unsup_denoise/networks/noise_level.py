"""From the noise code to the noise level."""

from __future__ import annotations

import math

import torch
from torch import nn


class NoiseLevel(nn.Module):
    """``sigma(z) = exp(a + b z)``, a and b learned (design of the physics-guided model).

    Args:
        code_channels: length of the noise code; ``b`` has one entry for each.
        sigma: noise level of the code 0, in units of the image's reference intensity.
        spread: initial ``b``: a code of 1 means a noise level ``exp(spread)`` times as high.
    """

    def __init__(self, code_channels: int = 1, *, sigma: float = 0.1, spread: float = 0.7) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(math.log(sigma)))
        self.slope = nn.Parameter(torch.full((code_channels,), spread / code_channels))

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level ``(B,)`` of codes ``(B, code_channels)``."""
        return torch.exp(self.offset + (code.float() * self.slope).sum(dim=1))
