"""The physics-guided generator of noisy images, ``G_L``."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from monai_unsup_denoise.functional import (
    add_rician_noise,
    add_scanner_noise,
    check_effects,
    draw_scanner_noise,
    noise_truth,
    upsample_to,
)
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class NoisyImages(NamedTuple):
    """What ``G_L`` made, and what is true of it.

    Attributes:
        noisy: ``(B, C, *spatial)``.
        code: of the noise that was added, ``(B, code_channels)`` or a map.
        sigma: noise level of each voxel; broadcasts against ``noisy``.
    """

    noisy: Tensor
    code: Tensor
    sigma: Tensor


class RicianGenerator(nn.Module):
    """``G_L(content, z) = | A + sigma(z(r)) (n1 + i n2) |``, with ``n1, n2 ~ N(0, 1)``.

    ``A`` is the image of the content, for a clean image the exact amplitude of the Rician model; ``noise_level`` is
    ``sigma(z)``. A map of codes gives smoothly varying noise, as after parallel imaging.

    With ``effects``, the noise is that of scanners: each image has a kind of noise of its own, see
    ``functional.draw_scanner_noise``. The code then has five entries, of which only the level is taken; the others, and
    a map of the level, are those of the kind that was drawn.
    """

    def __init__(self, noise_level: NoiseLevel, *, effects: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.noise_level = noise_level
        self.effects = check_effects(effects or {})

    def forward(self, content: list[Tensor], code: Tensor) -> Tensor:
        """Noisy image ``(B, C, *spatial)`` of a clean image's content, finest scale first.

        ``code`` is ``(B, code_channels)``, or a coarse map ``(B, code_channels, *grid)``.
        """
        return self.corrupt(content[0], code).noisy

    def corrupt(self, image: Tensor, code: Tensor) -> NoisyImages:
        """As `forward`, of clean images, and with what is true of the noise."""
        image = image.float()
        sigma = self.noise_level(upsample_to(code, image)).unsqueeze(1)
        if not self.effects:
            white = torch.cat([code[:, :1], torch.zeros_like(code[:, 1:])], dim=1)  # no correlation, one coil
            return NoisyImages(add_rician_noise(image, sigma), white, sigma)
        made = [self._scan(one, level) for one, level in zip(image, sigma, strict=True)]
        noisy, level, correlation, coils = (torch.stack(part) for part in zip(*made, strict=True))
        return NoisyImages(noisy, self.noise_level.code_of(level[:, 0], correlation, coils), level)

    def _scan(self, image: Tensor, sigma: Tensor) -> tuple[Tensor, ...]:
        """One noisy image ``(C, *spatial)``; its level, correlation and coils."""
        rng = np.random.default_rng(int(torch.randint(2**31, ())))
        scanner = draw_scanner_noise(rng, self.effects, dimensions=image.dim() - 1)
        level = sigma[0] if sigma[0].numel() > 1 else sigma.reshape(())
        noisy = torch.stack([add_scanner_noise(channel, level, scanner=scanner) for channel in image])
        truth = noise_truth(image[0], level, scanner=scanner)
        coils = torch.tensor(float(truth.coils), device=image.device)
        return noisy, truth.sigma.expand(image.shape), truth.correlation[:, 0].to(image.device), coils
