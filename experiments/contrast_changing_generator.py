"""A generator for the ablation of the published method: one that may also change the image that it makes noisy."""

from typing import Any

from torch import Tensor

from monai_unsup_denoise.networks import ContentGenerator, NoisyGenerator


class ContrastChangingGenerator(ContentGenerator):
    """A residual `ContentGenerator`, to whose image a `NoisyGenerator` adds noise."""

    def __init__(self, spatial_dims: int, out_channels: int, *, code_channels: int, **settings: Any) -> None:
        super().__init__(spatial_dims, out_channels, code_channels=code_channels, **settings)
        self.noise = NoisyGenerator(spatial_dims, out_channels, code_channels=code_channels)

    def forward(self, content: list[Tensor], code: Tensor) -> Tensor:
        """A noisy image ``(B, out_channels, *spatial)``, at least 0, of the content, finest scale first."""
        noisy: Tensor = self.noise([super().forward(content, code)], code)
        return noisy
