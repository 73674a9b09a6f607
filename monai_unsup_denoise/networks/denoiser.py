"""The network that denoises: equation (12)."""

from __future__ import annotations

import torch
from torch import nn

from monai_unsup_denoise.functional import resize
from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.noise_encoder import NoiseEncoder
from monai_unsup_denoise.networks.noise_level import NoiseLevel
from monai_unsup_denoise.networks.padding import crop_as, pad_to_multiple


class DisentangledDenoiser(nn.Module):
    """``deimg = G_H(E^c(l), E^n(l))``, equation (12), with the mean of the noise code, never a sample.

    Deterministic; takes any image size (sides are padded by replication to what the encoder needs, and cropped again).
    The output is a magnitude: never negative.

    With ``standard_level`` the image is first brought to that noise level, voxel by voxel, by the factor
    ``standard_level / sigma``, and the result back: whatever the noise, even one that varies over the image, the
    convolutions see the same, and only the height of the signal above it differs.

    Args:
        content_encoder: ``E^c``.
        noise_encoder: ``E^n``, returning mean and log-variance of the code.
        generator: ``G_H``, called with content and code.
        noise_level: ``sigma(z)`` of the physics-guided model; None where the code has no unit (the published method).
        standard_level: noise level that the convolutions see, in units of the image's reference intensity; None to
            show them the image as it is.

    Raises:
        ValueError: if ``standard_level`` is given without ``noise_level``.
    """

    def __init__(
        self,
        content_encoder: ContentEncoder,
        noise_encoder: NoiseEncoder,
        generator: nn.Module,
        noise_level: NoiseLevel | None = None,
        *,
        standard_level: float | None = None,
    ) -> None:
        super().__init__()
        if standard_level is not None and noise_level is None:
            raise ValueError("standard_level needs noise_level: without it the noise code has no unit")
        self.content_encoder = content_encoder
        self.noise_encoder = noise_encoder
        self.generator = generator
        self.noise_level = noise_level
        self.standard_level = standard_level
        self.downsampling: int = content_encoder.downsampling

    def forward(self, image: torch.Tensor, code: torch.Tensor | None = None) -> torch.Tensor:
        """Denoise ``image`` ``(B, C, *spatial)``, in units of its reference intensity.

        ``code`` is the noise code to use in place of the image's own, such as that of the whole volume for one of its
        slabs: ``(B, code_channels)``, or a coarse map of it ``(B, code_channels, *grid)``.
        """
        if code is None:
            code = self.encode_noise(image)
        scale = self._to_standard_level(image, code)
        content = self.content_encoder(pad_to_multiple(image * scale, self.downsampling))
        # Codes are trained to be N(0, 1); far outside, the modulation of the generator would extrapolate.
        of_image = code if code.dim() == 2 else code.flatten(2).mean(-1)
        return crop_as(self.generator(content, of_image.clamp(-3.0, 3.0)), image).clamp(min=0) / scale

    def _to_standard_level(self, image: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """``standard_level / sigma``, of a shape that broadcasts against ``image``; 1 without a standard level."""
        if self.standard_level is None:
            return torch.ones(1, device=image.device)
        # Detached: the noise level is learned from noise, not from what would make denoising easier.
        return self.standard_level / self.sigma(resize(code, image)).detach().unsqueeze(1).clamp(1e-4, 1e4)

    @torch.jit.export
    def encode_noise(self, image: torch.Tensor) -> torch.Tensor:
        """Mean of the noise code ``(B, code_channels)`` of ``image`` ``(B, C, *spatial)``."""
        mean, _ = self.noise_encoder(image)
        return mean

    @torch.jit.export
    def encode_noise_map(self, image: torch.Tensor) -> torch.Tensor:
        """Coarse smooth map of the noise code ``(B, code_channels, *grid)`` of ``image`` ``(B, C, *spatial)``."""
        return self.noise_encoder.code_map(image)

    @torch.jit.export
    def sigma(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level of codes as ``NoiseLevel`` gives it, in units of the image's reference intensity.

        Raises:
            ValueError: if the denoiser was made without ``noise_level``.
        """
        if self.noise_level is None:
            raise ValueError("this denoiser's noise code has no unit: it was built without `noise_level`")
        return self.noise_level(code)

    @torch.jit.export
    def amplify(self, code: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        """The code whose noise level is ``gain`` times as high, as ``NoiseLevel.amplify`` gives it.

        Raises:
            ValueError: if the denoiser was made without ``noise_level``.
        """
        if self.noise_level is None:
            raise ValueError("this denoiser's noise code has no unit: it was built without `noise_level`")
        return self.noise_level.amplify(code, gain)
