"""The published generator of noisy images, ``G_L``, as one that draws noise."""

import math

import torch
from monai.networks.layers import Conv
from torch import Tensor, nn

from monai_unsup_denoise.functional import unsqueeze_like


class NoisyGenerator(nn.Module):
    """``G_L(content, z) = | h + t_1 * (s n) + i t_2 * (s n) |``, ``s = exp(a + b z)``, with white ``n ~ N(0, 1)``.

    ``h`` is the image of the content. ``G_L`` has to make it noisy, given a code of few numbers. They hold how strong
    the noise is, not its values; a generator that draws none has to make noise out of the anatomy. Here noise is drawn
    anew at each call for the real and the imaginary channel of a scanner's image, scaled by ``s``, and coloured by
    convolutions ``t``. ``a``, ``b`` and ``t`` are learned: level and texture come from the noisy images.

    The image itself is not changed. No equation of the method ties the contrast of ``fakel`` to that of ``h``: a
    generator that may change it darkens tissue, and ``G_H`` learns to brighten it (docs/published_method.md).

    Noise inputs of this kind: Karras T, Laine S, Aila T (2019). A style-based generator architecture for generative
    adversarial networks. CVPR.

    Args:
        spatial_dims: 2 or 3.
        out_channels: image channels ``C``.
        code_channels: length of the noise code ``z``.
        sigma, spread: as of the noise encoder. Untrained, the noise is white and has the level that an untrained
            encoder reads, which gives all entries of the code the same value.
    """

    def __init__(
        self, spatial_dims: int, out_channels: int, *, code_channels: int, sigma: float = 0.1, spread: float = 0.7
    ) -> None:
        super().__init__()
        drawn = 2 * out_channels
        self.strength = nn.Linear(code_channels, drawn)
        self.texture = Conv["conv", spatial_dims](drawn, drawn, kernel_size=3, padding=1, bias=False)
        nn.init.constant_(self.strength.weight, spread / code_channels)
        nn.init.constant_(self.strength.bias, math.log(sigma))
        nn.init.dirac_(self.texture.weight)

    def forward(self, content: list[Tensor], code: Tensor) -> Tensor:
        """A noisy image ``(B, out_channels, *spatial)``, at least 0, of the content, finest scale first."""
        image = content[0].float()
        strength = self.strength(code).float().exp()
        drawn = torch.randn(len(image), strength.size(1), *image.shape[2:], device=image.device)
        real, imaginary = self.texture(unsqueeze_like(strength, drawn) * drawn).float().chunk(2, dim=1)
        return torch.hypot(image + real, imaginary)
