"""The convolutional generator of images, ``G_H``."""

from collections.abc import Iterable, Sequence

from monai.networks.layers import Conv
from monai.utils import ensure_tuple_rep
from torch import Tensor, nn

from monai_unsup_denoise.networks.blocks import ConditionedBlock


class ContentGenerator(nn.Module):
    """Image from content and noise code, ``G(E^c(x), z)`` of equations (4) and (6).

    Decodes from coarse to fine and adds the content of each scale. The code modulates every block.

    Args:
        spatial_dims: 2 or 3.
        out_channels: image channels ``C``.
        code_channels: length of the noise code ``z``.
        channels: features of each scale, finest first, as in the content encoder.
        blocks: residual blocks per scale; one number, or one for each scale, finest first.
        residual: predict a correction to the image of the content. Untrained, the correction is zero.

    Raises:
        ValueError: if ``blocks`` and ``channels`` differ in length.
    """

    def __init__(
        self,
        spatial_dims: int,
        out_channels: int,
        *,
        code_channels: int,
        channels: Sequence[int] = (32, 64, 128),
        blocks: int | Sequence[int] = 1,
        residual: bool = True,
    ) -> None:
        super().__init__()
        upsampling = Conv["convtrans", spatial_dims]
        self.upsample = nn.ModuleList()
        self.refine = nn.ModuleList()
        depths = ensure_tuple_rep(blocks, len(channels))
        for coarse, fine, depth in reversed(list(zip(channels[1:], channels[:-1], depths[:-1], strict=True))):
            self.upsample.append(upsampling(coarse, fine, kernel_size=2, stride=2))
            self.refine.append(_Refinement(ConditionedBlock(spatial_dims, fine, code_channels) for _ in range(depth)))
        self.bottom = _Refinement(
            ConditionedBlock(spatial_dims, channels[-1], code_channels) for _ in range(depths[-1])
        )
        self.head = Conv["conv", spatial_dims](channels[0], out_channels, kernel_size=3, padding=1)
        self.residual = residual
        if residual:
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)

    def forward(self, content: list[Tensor], code: Tensor) -> Tensor:
        """Image ``(B, out_channels, *spatial)`` of the content (finest first) and the code ``(B, code_channels)``."""
        features = self.bottom(content[-1].clone(), code)  # which the caller may need again
        scale = len(content) - 1
        for upsample, refine in zip(self.upsample, self.refine):  # noqa: B905  (TorchScript has no strict)
            scale -= 1
            features = refine(upsample(features).add_(content[scale]), code)
        image = self.head(features)
        return content[0] + image if self.residual else image


class _Refinement(nn.Module):
    """Stack of conditioned blocks; ``nn.Sequential`` cannot pass the code."""

    def __init__(self, blocks: Iterable[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, code)
        return x
