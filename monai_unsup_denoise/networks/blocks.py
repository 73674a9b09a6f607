"""Residual blocks of the content encoder and the generators."""

import torch
from monai.networks.layers import Conv
from torch import Tensor, nn

from monai_unsup_denoise.functional import unsqueeze_like
from monai_unsup_denoise.networks.convolution import convolve, convolve_add, convolve_relu


class ContentBlock(nn.Module):
    """Residual block ``x + conv(relu(conv(x)))``, without normalisation.

    Instance and batch normalisation would discard the intensities that a denoiser has to preserve. Without gradients
    ``x`` may be overwritten.
    """

    def __init__(self, spatial_dims: int, channels: int) -> None:
        super().__init__()
        convolution = Conv["conv", spatial_dims]
        self.first = convolution(channels, channels, kernel_size=3, padding=1)
        self.second = convolution(channels, channels, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = convolve_relu(x, self.first.weight, self.first.bias)
        return convolve_add(hidden, self.second.weight, self.second.bias, x)


class ConditionedBlock(nn.Module):
    """Residual block with features scaled and shifted by the noise code: ``h (1 + gamma(z)) + beta(z)``.

    Feature-wise linear modulation (Perez et al., AAAI 2018). Without gradients ``x`` may be overwritten.
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
        gamma, beta = self.modulation(code).chunk(2, dim=1)
        weight, bias = self.first.weight, self.first.bias
        assert bias is not None
        if x.size(0) == 1:  # the weights are scaled, which are fewer than the features
            scale = 1 + gamma[0]
            hidden = convolve_relu(x, weight * unsqueeze_like(scale, weight), torch.addcmul(beta[0], bias, scale))
        else:
            gamma, beta = unsqueeze_like(gamma, x), unsqueeze_like(beta, x)
            hidden = torch.addcmul(beta, convolve(x, weight, bias), 1 + gamma).relu_()
        return convolve_add(hidden, self.second.weight, self.second.bias, x)
