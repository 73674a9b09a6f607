"""The noise level of a noise code."""

import math

import torch
from torch import Tensor, nn

from monai_unsup_denoise.functional import unsqueeze_like


class NoiseLevel(nn.Module):
    """``sigma(z) = exp(a + b z)`` with learned ``a`` and ``b``, for single codes and maps of codes.

    Args:
        code_channels: length of the noise code, and of ``b``.
        sigma: initial noise level of the code 0, in units of the image's reference intensity.
        spread: initial ``b``; a code of 1 has ``exp(spread)`` times that noise level.
    """

    def __init__(self, code_channels: int = 1, *, sigma: float = 0.1, spread: float = 0.7) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(math.log(sigma)))
        self.slope = nn.Parameter(torch.full((code_channels,), spread / code_channels))

    def forward(self, code: Tensor) -> Tensor:
        """Noise level ``(B, *spatial)`` of codes ``(B, code_channels, *spatial)``, with or without spatial axes."""
        return torch.exp(self.offset + torch.einsum("bk...,k->b...", code.float(), self.slope))

    @torch.jit.export
    def scale_sigma(self, code: Tensor, factor: Tensor) -> Tensor:
        """The nearest codes with ``factor`` times the noise level.

        Args:
            code: ``(B, code_channels, *spatial)``.
            factor: positive, ``(B, *spatial)``; spatial axes may have length 1.
        """
        slope = self.slope.detach()
        step = slope / slope.square().sum().clamp(min=1e-6)
        return code + unsqueeze_like(step[None], code) * factor.log().unsqueeze(1)
