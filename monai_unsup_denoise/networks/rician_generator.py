"""The generator of noisy images that knows the physics."""

from __future__ import annotations

import torch
from torch import nn

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.functional.smooth_map import smooth_map
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class RicianGenerator(nn.Module):
    """``G_L(content, z) = | G_image(content) + g(r) sigma(z) (n1 + i n2) |``, with ``n1, n2 ~ N(0, 1)``.

    Args:
        noise_level: ``sigma(z)``.
        image_generator: ``G_image``, called with content and code; without one, the image that the content carries is
            used, which for a clean image is the exact ``A`` of the Rician model.
        variation: ratio of the largest to the smallest gain of the smooth random map ``g(r)``; 1 is stationary noise.
    """

    def __init__(
        self, noise_level: NoiseLevel, *, image_generator: nn.Module | None = None, variation: float = 1.0
    ) -> None:
        super().__init__()
        self.noise_level = noise_level
        self.image_generator = image_generator
        self.variation = variation

    def forward(self, content: list[torch.Tensor], code: torch.Tensor) -> torch.Tensor:
        """A noisy image ``(B, C, *spatial)`` of the content, at the level that the code ``(B, code_channels)`` says."""
        image = content[0] if self.image_generator is None else self.image_generator(content, code)
        image = image.float()
        sigma = self.noise_level(code).reshape(-1, *(1,) * (image.dim() - 1))
        if self.variation > 1:
            gain = [smooth_map(image.shape[2:], self.variation, device=image.device) for _ in range(len(image))]
            sigma = sigma * torch.stack(gain).unsqueeze(1)
        return add_rician_noise(image, sigma)
