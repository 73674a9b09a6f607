"""The physics-guided generator of noisy images, ``G_L``."""

import torch
from torch import nn

from monai_unsup_denoise.functional import add_rician_noise, upsample_to
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class RicianGenerator(nn.Module):
    """``G_L(content, z) = | G_image(content) + sigma(z(r)) (n1 + i n2) |``, with ``n1, n2 ~ N(0, 1)``.

    A single code gives stationary noise. A map of codes gives smoothly varying noise, as after parallel imaging.

    Args:
        noise_level: ``sigma(z)``.
        image_generator: ``G_image``, called with content and code. Default: the image of the content, which for a clean
            image is the exact amplitude of the Rician model.
    """

    def __init__(self, noise_level: NoiseLevel, *, image_generator: nn.Module | None = None) -> None:
        super().__init__()
        self.noise_level = noise_level
        self.image_generator = image_generator

    def forward(self, content: list[torch.Tensor], code: torch.Tensor) -> torch.Tensor:
        """Noisy image ``(B, C, *spatial)`` of a clean image's content, finest scale first.

        ``code`` is ``(B, code_channels)``, or a coarse map ``(B, code_channels, *grid)``.
        """
        image = (content[0] if self.image_generator is None else self.image_generator(content, code)).float()
        return add_rician_noise(image, self.noise_level(upsample_to(code, image)).unsqueeze(1))
