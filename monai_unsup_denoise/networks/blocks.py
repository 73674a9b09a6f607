"""Residual blocks of the content encoder and the generators."""

import torch
from monai.networks.layers import Conv
from torch import Tensor, nn

from monai_unsup_denoise.functional import unsqueeze_like


class ContentBlock(nn.Module):
    """Residual block ``x + conv(relu(conv(x)))``, without normalisation.

    Instance and batch normalisation would discard the intensities that a denoiser has to preserve.
    """

    def __init__(self, spatial_dims: int, channels: int) -> None:
        super().__init__()
        convolution = Conv["conv", spatial_dims]
        self.first = convolution(channels, channels, kernel_size=3, padding=1)
        self.second = convolution(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu_()).add_(x)  # in place: half the memory traffic


class ConditionedBlock(nn.Module):
    """Residual block with features scaled and shifted by the noise code: ``h (1 + gamma(z)) + beta(z)``.

    Feature-wise linear modulation (Perez et al., AAAI 2018).
    """

    def __init__(self, spatial_dims: int, channels: int, code_channels: int) -> None:
        super().__init__()
        convolution = Conv["conv", spatial_dims]
        self.first = convolution(channels, channels, kernel_size=3, padding=1)
        self.second = convolution(channels, channels, kernel_size=3, padding=1)
        self.modulation = nn.Linear(code_channels, 2 * channels)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        gamma, beta = unsqueeze_like(self.modulation(code), x).chunk(2, dim=1)
        return self.second(torch.addcmul(beta, self.first(x), 1 + gamma).relu_()).add_(x)
