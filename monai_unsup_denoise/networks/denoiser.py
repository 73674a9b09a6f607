"""The denoiser of equation (12), as published."""

import torch
from torch import Tensor, nn

from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.padding import crop_as, pad_to_multiple


class DisentangledDenoiser(nn.Module):
    """``deimg = G_H(E^c(l), E^n(l))``, equation (12), with the mean of the noise code instead of a sample.

    Deterministic, for images of any size: sides are padded by reflection to a multiple of what the encoder needs, and
    cropped again. The output is a magnitude, at least 0.

    Args:
        content_encoder: ``E^c``.
        noise_encoder: ``E^n``, returning mean and log-variance of the code.
        generator: ``G_H``, called with content and code.
    """

    def __init__(self, content_encoder: ContentEncoder, noise_encoder: nn.Module, generator: nn.Module) -> None:
        super().__init__()
        self.content_encoder = content_encoder
        self.noise_encoder = noise_encoder
        self.generator = generator
        self.downsampling: int = content_encoder.downsampling

    def forward(self, image: Tensor, code: Tensor | None = None, mean_code: Tensor | None = None) -> Tensor:
        """Denoise ``image`` ``(B, C, *spatial)``, in units of its reference intensity.

        A given ``code``, ``(B, code_channels)`` or a coarse map ``(B, code_channels, *grid)``, replaces the one of the
        image, as that of the whole volume for one of its slabs. ``mean_code`` ``(B, code_channels)`` is the mean of the
        map over the whole volume, where ``image`` is a part of it.
        """
        if code is None:
            code = self.encode_noise(image)
        if mean_code is None:
            mean_code = code if code.dim() == 2 else code.flatten(2).mean(-1)
        return self.with_code(image, code, mean_code)

    @torch.jit.export
    def with_code(self, image: Tensor, code: Tensor, mean_code: Tensor) -> Tensor:
        """As `forward`, with all arguments given."""
        return self.convolve(image, code, mean_code)

    def convolve(self, image: Tensor, code: Tensor, mean_code: Tensor) -> Tensor:
        """Output of encoder and generator."""
        scale = self.input_scale(image, code)
        content = self.content_encoder(pad_to_multiple(image * scale, self.downsampling))
        # Codes are trained to be N(0, 1). Far outside, the modulation of the generator would extrapolate.
        return crop_as(self.generator(content, mean_code.clamp(-3.0, 3.0)), image).clamp(min=0) / scale

    def input_scale(self, image: Tensor, code: Tensor) -> Tensor:
        """Factor on the input of the convolutions, undone on their output; 1 in the published method."""
        return torch.ones(1, device=image.device)

    @torch.jit.export
    def encode_noise(self, image: Tensor) -> Tensor:
        """Mean of the noise code, ``(B, code_channels)``, of ``image`` ``(B, C, *spatial)``."""
        mean, _ = self.noise_encoder(image)
        return mean
