"""The denoiser of equation (12), guided by the physics of the noise: told its level."""

import torch
from torch import Tensor, nn

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.denoiser import DisentangledDenoiser
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class LevelGuidedDenoiser(DisentangledDenoiser):
    """``DisentangledDenoiser`` with a noise code that stands for a noise level, ``sigma(z)``.

    The input is scaled voxel by voxel by ``working_sigma / sigma``, and the output is scaled back. So the convolutions
    always see the same noise level, even for spatially varying noise. Only the signal-to-noise ratio differs. No voxel
    is changed by more than ten times the noise level, which no noise exceeds, whatever was read and computed.

    Args:
        noise_level: ``sigma(z)``.
        working_sigma: noise level seen by the convolutions, in units of the image's reference intensity; None for an
            unscaled input.
    """

    def __init__(
        self,
        content_encoder: ContentEncoder,
        noise_encoder: nn.Module,
        generator: nn.Module,
        noise_level: NoiseLevel,
        *,
        working_sigma: float | None = None,
    ) -> None:
        super().__init__(content_encoder, noise_encoder, generator)
        self.noise_level = noise_level
        self.working_sigma = working_sigma

    @torch.jit.export
    def with_code(self, image: Tensor, code: Tensor, mean_code: Tensor) -> Tensor:
        """As `forward`, with all arguments given."""
        return self.limit_change(image, self.convolve(image, code, mean_code), code)

    def limit_change(self, image: Tensor, denoised: Tensor, code: Tensor) -> Tensor:
        """``denoised``, at most ten times the noise level away from ``image``; unchanged in training."""
        if self.training:
            return denoised
        most = 10 * self.sigma(upsample_to(code, image)).unsqueeze(1)
        return torch.maximum(torch.minimum(denoised.float(), image + most), image - most)

    def input_scale(self, image: Tensor, code: Tensor) -> Tensor:
        """``working_sigma / sigma``, which broadcasts against ``image``; 1 without a working sigma."""
        if self.working_sigma is None:
            return torch.ones(1, device=image.device)
        # Detached: the noise level is learned from noise, not from what would make denoising easier.
        return self.working_sigma / self.sigma(upsample_to(code, image)).detach().unsqueeze(1).clamp(1e-4, 1e4)

    @torch.jit.export
    def sigma(self, code: Tensor) -> Tensor:
        """Noise level of codes; see ``NoiseLevel``."""
        return self.noise_level(code)

    @torch.jit.export
    def level_code(self, sigma: Tensor) -> Tensor:
        """Codes ``(B, 1, *spatial)`` of noise levels ``(B, *spatial)``, the first entry of any code."""
        return self.noise_level.level_code(sigma)
