"""The first convolution of an encoder, which keeps the precision of the image in bfloat16."""

import torch
from torch import Tensor, nn

from monai_unsup_denoise.networks.convolution import convolve


def convolve_in_parts(image: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolution of odd width, padded to keep the size, as a sum over coarse and fine parts of image and weights.

    bfloat16 has 8 bits. Rounded to them, a bright image of little noise gets an error that a denoiser takes for noise.
    The coarse part ``a`` is exact in bfloat16, and the fine part ``b = x - a`` has the next 8 bits:
    ``x w = (a + b) (v + u)`` is a sum of four products, taken as four times the input channels.

    Gradients pass through the fine parts, unrounded.

    Args:
        image: ``(B, C, *spatial)``, 2-D or 3-D.
        weight: ``(features, C, *width)``.
        bias: ``(features,)``.
    """
    coarse = image.detach().to(torch.bfloat16).to(image.dtype)
    coarse_weight = weight.detach().to(torch.bfloat16).to(weight.dtype)
    fine, fine_weight = image - coarse, weight - coarse_weight
    parts = torch.cat([coarse, fine, coarse, fine], dim=1)
    weights = torch.cat([coarse_weight, coarse_weight, fine_weight, fine_weight], dim=1)
    # Channels last in memory, which a convolution keeps: all that follows is faster.
    if image.dim() == 5:
        parts = parts.contiguous(memory_format=torch.channels_last_3d)
    else:
        parts = parts.contiguous(memory_format=torch.channels_last)
    return convolve(parts, weights, bias)


class EntryConv2d(nn.Conv2d):
    """2-D convolution by `convolve_in_parts`."""

    def forward(self, image: Tensor) -> Tensor:
        return convolve_in_parts(image, self.weight, self.bias)


class EntryConv3d(nn.Conv3d):
    """3-D convolution by `convolve_in_parts`."""

    def forward(self, image: Tensor) -> Tensor:
        return convolve_in_parts(image, self.weight, self.bias)
