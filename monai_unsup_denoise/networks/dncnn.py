"""DnCNN, the usual baseline of the denoising literature."""

import math

import torch
from monai.networks.layers import Conv, Norm
from torch import Tensor, nn


class DnCNN(nn.Module):
    """Residual denoiser: a stack of convolutions predicts the noise, which is subtracted from the image.

    Convolution and ReLU; ``depth - 2`` times convolution, batch normalisation and ReLU; a convolution. One network
    serves all noise levels: its noise code has length zero.

    Args:
        spatial_dims: 2 or 3.
        channels: image channels ``C``; for a 2-D network on slabs, neighbouring slices.
        features: of each hidden layer.
        depth: number of convolutions.

    Zhang K, Zuo W, Chen Y, Meng D, Zhang L (2017). Beyond a Gaussian denoiser: residual learning of deep CNN for image
    denoising. IEEE Trans Image Process 26(7):3142-3155.
    """

    def __init__(self, spatial_dims: int, channels: int, *, features: int = 64, depth: int = 17) -> None:
        super().__init__()
        convolution, normalisation = Conv["conv", spatial_dims], Norm["batch", spatial_dims]
        layers: list[nn.Module] = [convolution(channels, features, kernel_size=3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [convolution(features, features, kernel_size=3, padding=1, bias=False), normalisation(features)]
            layers.append(nn.ReLU())
        layers.append(convolution(features, channels, kernel_size=3, padding=1))
        self.noise = nn.Sequential(*layers)
        self._initialise()

    def _initialise(self) -> None:
        """As in the authors' code: He initialisation, and small scales of the normalisation."""
        for layer in self.noise:
            if isinstance(layer, nn.modules.conv._ConvNd):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
                deviation = math.sqrt(2 / (9 * layer.num_features))
                nn.init.normal_(layer.weight, std=deviation).data.clamp_(-0.025, 0.025)

    def forward(self, image: Tensor, code: Tensor | None = None) -> Tensor:
        """Denoise ``image`` ``(B, C, *spatial)`` of any size; ``code`` is ignored."""
        return image - self.noise(image)

    @torch.jit.export
    def encode_noise(self, image: Tensor) -> Tensor:
        """The empty noise code ``(B, 0)``."""
        return torch.zeros(image.size(0), 0, dtype=image.dtype, device=image.device)
