"""The denoisers of equation (12): as published, and guided by the physics of the noise."""

import torch
from torch import Tensor, nn

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.noise_encoder import NoiseEncoder
from monai_unsup_denoise.networks.noise_level import NoiseLevel
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

    def __init__(self, content_encoder: ContentEncoder, noise_encoder: NoiseEncoder, generator: nn.Module) -> None:
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


class PhysicsGuidedDenoiser(DisentangledDenoiser):
    """``DisentangledDenoiser`` with a noise code that stands for a noise level, ``sigma(z)``.

    The input is scaled voxel by voxel by ``working_sigma / sigma``, and the output is scaled back. So the convolutions
    always see the same noise level, even for spatially varying noise. Only the signal-to-noise ratio differs.

    Args:
        noise_level: ``sigma(z)``.
        working_sigma: noise level seen by the convolutions, in units of the image's reference intensity; None for an
            unscaled input.
    """

    def __init__(
        self,
        content_encoder: ContentEncoder,
        noise_encoder: NoiseEncoder,
        generator: nn.Module,
        noise_level: NoiseLevel,
        *,
        working_sigma: float | None = None,
    ) -> None:
        super().__init__(content_encoder, noise_encoder, generator)
        self.noise_level = noise_level
        self.working_sigma = working_sigma

    def input_scale(self, image: Tensor, code: Tensor) -> Tensor:
        """``working_sigma / sigma``, which broadcasts against ``image``; 1 without a working sigma."""
        if self.working_sigma is None:
            return torch.ones(1, device=image.device)
        # Detached: the noise level is learned from noise, not from what would make denoising easier.
        return self.working_sigma / self.sigma(upsample_to(code, image)).detach().unsqueeze(1).clamp(1e-4, 1e4)

    @torch.jit.export
    def noise_cells(self, image: Tensor) -> Tensor:
        """What is known of the noise in each cell; see ``NoiseReader.cells``."""
        return self.noise_encoder.cells(image)  # type: ignore[operator]

    @torch.jit.export
    def noise_code(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the noise code of an image with these cells; see ``NoiseReader.pool``."""
        mean, log_variance, _ = self.noise_encoder.pool(cells)  # type: ignore[operator]
        return mean, log_variance

    @torch.jit.export
    def noise_map(self, cells: Tensor) -> Tensor:
        """Coarse map of the noise code; see ``NoiseReader.map_of``."""
        return self.noise_encoder.map_of(cells)  # type: ignore[operator]

    @torch.jit.export
    def sigma(self, code: Tensor) -> Tensor:
        """Noise level of codes; see ``NoiseLevel``."""
        return self.noise_level(code)

    @torch.jit.export
    def scale_sigma(self, code: Tensor, factor: Tensor) -> Tensor:
        """Codes with ``factor`` times the noise level; see ``NoiseLevel.scale_sigma``."""
        return self.noise_level.scale_sigma(code, factor)

    @torch.jit.export
    def correlation(self, code: Tensor) -> Tensor:
        """Correlation of the noise of neighbours along each axis, ``(B, 3)``, of codes ``(B, code_channels)``."""
        return self.noise_level.correlation(code)

    @torch.jit.export
    def coils(self, code: Tensor) -> Tensor:
        """Number of coils ``(B,)`` of codes ``(B, code_channels)``."""
        return self.noise_level.coils(code)

    @torch.jit.export
    def code_of(self, sigma: Tensor, correlation: Tensor, coils: Tensor) -> Tensor:
        """Codes ``(B, 5, *spatial)`` of known noise; see ``NoiseLevel.code_of``."""
        return self.noise_level.code_of(sigma, correlation, coils)
