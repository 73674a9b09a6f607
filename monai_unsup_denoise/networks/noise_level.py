"""From the noise code to the noise level."""

from __future__ import annotations

import math

import torch
from torch import nn


class NoiseLevel(nn.Module):
    """``sigma(z) = exp(a + b z)``, a and b learned (design of the physics-guided model).

    A code is one for the whole image, or a map of codes; the noise level has the same spatial axes.

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
        """Noise level ``(B, *spatial)`` of codes ``(B, code_channels, *spatial)``; ``(B,)`` of one code each."""
        return torch.exp(self.offset + torch.einsum("bk...,k->b...", code.float(), self.slope))

    @torch.jit.export
    def scale_sigma(self, code: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """The code ``(B, code_channels, *spatial)`` nearest to ``code`` whose noise level is ``factor`` times as high.

        Args:
            code: ``(B, code_channels, *spatial)``.
            factor: positive, ``(B, *spatial)``; spatial axes may have length 1.
        """
        slope = self.slope.detach()
        step = slope / slope.square().sum().clamp(min=1e-6)
        for _ in range(code.dim() - 2):
            step = step.unsqueeze(-1)
        return code + step * factor.log().unsqueeze(1)
