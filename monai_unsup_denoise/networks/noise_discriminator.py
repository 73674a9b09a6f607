"""The discriminators ``D_H`` and ``D_L`` of the published method: patch discriminators that are shown the noise."""

from typing import Any

import torch
from monai.networks.layers import Pool
from monai.networks.nets import PatchDiscriminator
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

_LEAST = 1e-4  # energy, in units of the reference intensity squared: noise of 1 %
_NEIGHBOURS, _WINDOW = 3, 7  # voxels
_GAIN = 4.0  # of both inputs, since normalised weights leave a discriminator about as steep as these


class NoiseDiscriminator(nn.Module):
    """Discriminator of patches (PatchGAN), given the image and the log of its local noise energy.

    The energy is the mean square, over 7 voxels, of an image less its mean over 3. A plain discriminator has to learn
    this statistic, in which noisy and clean images differ most: after 60 batches it is still nearly blind
    (``experiments/discriminator_check.py``). It has no normalisation of features, which would hide the level of the
    noise, but one of weights, without which its gradients throw the generators off; and the initial weights of He et
    al. (ICCV 2015), since MONAI's are meant for normalised features.

    Isola P, Zhu J-Y, Zhou T, Efros AA (2017). Image-to-image translation with conditional adversarial networks. CVPR.
    Miyato T, Kataoka T, Koyama M, Yoshida Y (2018). Spectral normalization for generative adversarial networks. ICLR.

    Args:
        spatial_dims: 2 or 3.
        in_channels: of the images.
        settings: of `PatchDiscriminator`, such as ``channels`` and ``num_layers_d``.
    """

    def __init__(self, spatial_dims: int, in_channels: int, **settings: Any) -> None:
        super().__init__()
        self.near, self.wide = (
            Pool["avg", spatial_dims](side, stride=1, padding=side // 2, count_include_pad=False)
            for side in (_NEIGHBOURS, _WINDOW)
        )
        self.patches = PatchDiscriminator(
            **{"spatial_dims": spatial_dims, "in_channels": 2 * in_channels, "norm": None, "bias": True, **settings}
        )
        for module in self.patches.modules():
            if isinstance(module, nn.Conv2d | nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, a=0.2)
                spectral_norm(module)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features of ``image`` ``(B, C, *spatial)``, the last ones logits of patches."""
        energy = self.wide((image.float() - self.near(image.float())).square())
        return self.patches(_GAIN * torch.cat([image, (energy + _LEAST).log() / 4 + 1], dim=1))
