"""A block of a generator that draws noise."""

import math

import torch
from torch import Tensor, nn

from monai_unsup_denoise.functional import unsqueeze_like
from monai_unsup_denoise.networks.blocks import ConditionedBlock

_STRENGTH = 0.03  # before training


class NoisyBlock(ConditionedBlock):
    """`ConditionedBlock` that adds white noise to its features: ``h + exp(a + b z) n``, ``n ~ N(0, 1)``, one for all.

    ``G_L`` makes a noisy image of the content of a clean one and a code of few numbers. They hold how strong the noise
    is, not its values; without such a block the generator has to make noise out of the anatomy. Drawn anew at each
    call. Noise inputs of this kind: Karras, Laine, Aila (2019), A Style-Based Generator Architecture for GANs, CVPR.

    Args:
        spatial_dims, channels, code_channels: as of `ConditionedBlock`. Each feature has its own ``a`` and ``b``.
        spread: as of the noise encoder. Untrained, the noise is proportional to the level that an untrained encoder
            reads, which gives all entries of the code the same value.
    """

    def __init__(self, spatial_dims: int, channels: int, code_channels: int, *, spread: float = 0.7) -> None:
        super().__init__(spatial_dims, channels, code_channels)
        self.strength = nn.Linear(code_channels, channels)
        nn.init.constant_(self.strength.weight, spread / code_channels)
        nn.init.constant_(self.strength.bias, math.log(_STRENGTH))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        features = super().forward(x, code)
        strength = self.strength(code).float().exp().to(features.dtype)
        return features + unsqueeze_like(strength, features) * torch.randn_like(features[:, :1])
