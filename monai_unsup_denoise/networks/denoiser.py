"""The network that denoises: equation (12)."""

from __future__ import annotations

import torch
from torch import nn

from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.noise_level import NoiseLevel
from monai_unsup_denoise.networks.padding import crop_as, pad_to_multiple


class DisentangledDenoiser(nn.Module):
    """``deimg = G_H(E^c(l), E^n(l))``, equation (12), with the mean of the noise code, never a sample.

    Deterministic; takes any image size (sides are padded by replication to what the encoder needs, and cropped again).
    The output is a magnitude: never negative.

    Args:
        content_encoder: ``E^c``.
        noise_encoder: ``E^n``, returning mean and log-variance of the code.
        generator: ``G_H``, called with content and code.
        noise_level: ``sigma(z)`` of the physics-guided model; None where the code has no unit (the published method).
    """

    def __init__(
        self,
        content_encoder: ContentEncoder,
        noise_encoder: nn.Module,
        generator: nn.Module,
        noise_level: NoiseLevel | None = None,
    ) -> None:
        super().__init__()
        self.content_encoder = content_encoder
        self.noise_encoder = noise_encoder
        self.generator = generator
        self.noise_level = noise_level
        self.downsampling: int = content_encoder.downsampling

    def forward(self, image: torch.Tensor, code: torch.Tensor | None = None) -> torch.Tensor:
        """Denoise ``image`` ``(B, C, *spatial)``, in units of its reference intensity.

        ``code`` ``(B, code_channels)`` is the noise code to use in place of the image's own: that of the whole volume,
        for one of its slabs.
        """
        if code is None:
            code = self.encode_noise(image)
        # Codes are trained to be N(0, 1); far outside, the modulation of the generator would extrapolate.
        content = self.content_encoder(pad_to_multiple(image, self.downsampling))
        return crop_as(self.generator(content, code.clamp(-3.0, 3.0)), image).clamp(min=0)

    @torch.jit.export
    def encode_noise(self, image: torch.Tensor) -> torch.Tensor:
        """Mean of the noise code ``(B, code_channels)`` of ``image`` ``(B, C, *spatial)``."""
        mean, _ = self.noise_encoder(image)
        return mean

    @torch.jit.export
    def sigma(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level ``(B,)`` of codes ``(B, code_channels)``, in units of the image's reference intensity.

        Raises:
            ValueError: if the denoiser was made without ``noise_level``.
        """
        if self.noise_level is None:
            raise ValueError("this denoiser's noise code has no unit: it was built without `noise_level`")
        return self.noise_level(code)
