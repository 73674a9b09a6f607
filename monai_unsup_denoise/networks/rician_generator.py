"""The generator of noisy images that knows the physics."""

from __future__ import annotations

import torch
from torch import nn

from monai_unsup_denoise.functional import add_rician_noise, upsample_to
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class RicianGenerator(nn.Module):
    """``G_L(content, z) = | G_image(content) + sigma(z(r)) (n1 + i n2) |``, with ``n1, n2 ~ N(0, 1)``.

    A code for the whole image is stationary noise; a map of codes, noise whose level ``g(r) sigma`` varies smoothly, as
    it does after parallel imaging.

    Args:
        noise_level: ``sigma(z)``.
        image_generator: ``G_image``, called with content and code; without one, the image that the content carries is
            used, which for a clean image is the exact ``A`` of the Rician model.
    """

    def __init__(self, noise_level: NoiseLevel, *, image_generator: nn.Module | None = None) -> None:
        super().__init__()
        self.noise_level = noise_level
        self.image_generator = image_generator

    def forward(self, content: list[torch.Tensor], code: torch.Tensor) -> torch.Tensor:
        """A noisy image ``(B, C, *spatial)`` of the content, at the level that the code says.

        Args:
            content: of the clean image, finest first.
            code: ``(B, code_channels)``, or a coarse map of it ``(B, code_channels, *grid)``.
        """
        image = content[0] if self.image_generator is None else self.image_generator(content, code)
        image = image.float()
        return add_rician_noise(image, self.noise_level(upsample_to(code, image)).unsqueeze(1))
