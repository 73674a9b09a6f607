"""Convolution blocks shared by the encoder and the generators."""

from __future__ import annotations

import torch
from monai.networks.layers import Conv
from torch import nn


class ContentBlock(nn.Module):
    """``x + conv(relu(conv(x)))`` at constant resolution and width; no normalisation layer.

    Instance and batch normalisation would erase the intensities that a denoiser has to keep.
    """

    def __init__(self, spatial_dims: int, channels: int) -> None:
        super().__init__()
        convolution = Conv["conv", spatial_dims]
        self.first = convolution(channels, channels, kernel_size=3, padding=1)
        self.second = convolution(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(torch.relu(self.first(x)))


class ConditionedBlock(nn.Module):
    """Residual block whose hidden features are scaled and shifted by the noise code.

    Feature-wise linear modulation (Perez et al., AAAI 2018): ``h * (1 + gamma(z)) + beta(z)``.
    """

    def __init__(self, spatial_dims: int, channels: int, code_channels: int) -> None:
        super().__init__()
        convolution = Conv["conv", spatial_dims]
        self.first = convolution(channels, channels, kernel_size=3, padding=1)
        self.second = convolution(channels, channels, kernel_size=3, padding=1)
        self.modulation = nn.Linear(code_channels, 2 * channels)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        gamma, beta = self.modulation(code).chunk(2, dim=1)
        for _ in range(x.dim() - 2):
            gamma = gamma.unsqueeze(-1)
            beta = beta.unsqueeze(-1)
        return x + self.second(torch.relu(self.first(x) * (1 + gamma) + beta))
