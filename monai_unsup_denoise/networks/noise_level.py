"""What a noise code stands for: the noise level, and where the code has them, correlation and number of coils."""

import math

import torch
from torch import Tensor, nn


class NoiseLevel(nn.Module):
    """``sigma(z) = exp(a + b z_1)``, for single codes and maps of codes.

    A code has one entry, the level; or five: the level, the correlation of the noise of neighbouring voxels along the
    three axes, and the number of coils. These four are scaled so that they vary by about 1, as the level does.

    Args:
        sigma: noise level of the code 0, in units of the image's reference intensity.
        spread: ``b``; a code of 1 has ``exp(spread)`` times that noise level.
    """

    offset: Tensor
    slope: Tensor

    def __init__(self, *, sigma: float = 0.1, spread: float = 0.7) -> None:
        super().__init__()
        self.register_buffer("offset", torch.tensor(math.log(sigma)))
        self.register_buffer("slope", torch.full((1,), spread))

    def forward(self, code: Tensor) -> Tensor:
        """Noise level ``(B, *spatial)`` of codes ``(B, code_channels, *spatial)``, with or without spatial axes."""
        return torch.exp(self.offset + self.slope[0] * code[:, 0].float())

    @torch.jit.export
    def scale_sigma(self, code: Tensor, factor: Tensor) -> Tensor:
        """The codes with ``factor`` times the noise level, equal in their other entries.

        Args:
            code: ``(B, code_channels, *spatial)``.
            factor: positive, ``(B, *spatial)``; spatial axes may have length 1.
        """
        step = factor.log() / self.slope[0].clamp(min=1e-3)
        return torch.cat([(code[:, 0] + step).unsqueeze(1), code[:, 1:]], dim=1)

    @torch.jit.export
    def correlation(self, code: Tensor) -> Tensor:
        """Correlation of neighbours along each axis, ``(B, 3)`` in [-1, 1], of codes ``(B, code_channels)``.

        0 where the code does not say.
        """
        if code.size(1) < 4:
            return torch.zeros(code.size(0), 3, device=code.device)
        return (code[:, 1:4].float() / 2).clamp(-1.0, 1.0)

    @torch.jit.export
    def coils(self, code: Tensor) -> Tensor:
        """Number of coils ``(B,)``, 1 or more and not rounded, of codes ``(B, code_channels)``; 1 if unknown."""
        if code.size(1) < 5:
            return torch.ones(code.size(0), device=code.device)
        return torch.exp2(2 * code[:, 4].float()).clamp(min=1.0)

    @torch.jit.export
    def level_code(self, sigma: Tensor) -> Tensor:
        """The first entry of the codes, ``(B, 1, *spatial)``, of noise levels ``(B, *spatial)``."""
        return ((sigma.log() - self.offset) / self.slope[0]).unsqueeze(1)

    @torch.jit.export
    def code_of(self, sigma: Tensor, correlation: Tensor, coils: Tensor) -> Tensor:
        """Codes ``(B, 5, *spatial)`` of noise levels ``(B, *spatial)``, correlations ``(B, 3)`` and coils ``(B,)``."""
        level = self.level_code(sigma)
        rest = torch.cat([2 * correlation, 0.5 * coils.log2().unsqueeze(1)], dim=1)
        for _ in range(level.dim() - 2):
            rest = rest.unsqueeze(-1)
        return torch.cat([level, rest.expand(rest.shape[:2] + level.shape[2:])], dim=1)
