"""The generators of CycleGAN."""

import torch
from torch import Tensor, nn

from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.generator import ContentGenerator
from monai_unsup_denoise.networks.noisy_generator import NoisyGenerator
from monai_unsup_denoise.networks.padding import crop_as, pad_to_multiple


class ImageTranslator(nn.Module):
    """Translation of an image into the other domain, ``G(E(x))``, without a noise code.

    Same backbone as the disentangled denoiser, to compare methods and not networks: ``generator`` is one for codes of
    length 1, fixed at zero. The translator's own noise code has length zero.
    """

    def __init__(self, content_encoder: ContentEncoder, generator: ContentGenerator) -> None:
        super().__init__()
        self.content_encoder = content_encoder
        self.generator = generator
        self.downsampling: int = content_encoder.downsampling

    def forward(self, image: Tensor, code: Tensor | None = None) -> Tensor:
        """Translate ``image`` ``(B, C, *spatial)`` of any size; ``code`` is ignored."""
        content = self.content_encoder(pad_to_multiple(image, self.downsampling))
        zero = torch.zeros(image.size(0), 1, dtype=image.dtype, device=image.device)
        return crop_as(self.generator(content, zero), image)

    @torch.jit.export
    def encode_noise(self, image: Tensor) -> Tensor:
        """The empty noise code ``(B, 0)``."""
        return torch.zeros(image.size(0), 0, dtype=image.dtype, device=image.device)


class NoiseTranslator(nn.Module):
    """Translation of a clean image into the noisy domain, with noise of a random level.

    A clean image does not say how noisy its translation is to be, so the code of ``generator``, of length 1, is drawn
    from N(0, 1) at each call: Almahairi A et al. (2018), Augmented CycleGAN, ICML.
    """

    def __init__(self, generator: NoisyGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> Tensor:
        """A noisy image of ``image`` ``(B, C, *spatial)``."""
        noisy: Tensor = self.generator([image], torch.randn(len(image), 1, device=image.device))
        return noisy
