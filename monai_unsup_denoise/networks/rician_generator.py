"""The physics-guided generator of noisy images, ``G_L``."""

from torch import Tensor, nn

from monai_unsup_denoise.functional import add_rician_noise, upsample_to
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class RicianGenerator(nn.Module):
    """``G_L(content, z) = | A + sigma(z(r)) (n1 + i n2) |``, with ``n1, n2 ~ N(0, 1)``.

    ``A`` is the image of the content, for a clean image the exact amplitude of the Rician model; ``noise_level`` is
    ``sigma(z)``. A map of codes gives smoothly varying noise, as after parallel imaging.
    """

    def __init__(self, noise_level: NoiseLevel) -> None:
        super().__init__()
        self.noise_level = noise_level

    def forward(self, content: list[Tensor], code: Tensor) -> Tensor:
        """Noisy image ``(B, C, *spatial)`` of a clean image's content, finest scale first.

        ``code`` is ``(B, code_channels)``, or a coarse map ``(B, code_channels, *grid)``.
        """
        image = content[0].float()
        return add_rician_noise(image, self.noise_level(upsample_to(code, image)).unsqueeze(1))
