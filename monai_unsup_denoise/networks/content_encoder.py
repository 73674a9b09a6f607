"""The content encoder ``E^c``."""

from collections.abc import Sequence

from monai.networks.layers import Conv
from monai.utils import ensure_tuple_rep
from torch import Tensor, nn

from monai_unsup_denoise.networks.blocks import ContentBlock
from monai_unsup_denoise.networks.entry_convolution import EntryConv2d, EntryConv3d


class ContentEncoder(nn.Module):
    """Multi-scale content of an image, ``E^c``, shared by both domains.

    The content is a list, finest first: the image itself, then one feature map per entry of ``channels``, each at half
    the resolution of the previous one. The image is included so that a generator can predict a correction to it.

    Args:
        spatial_dims: 2 or 3.
        in_channels: image channels ``C``; for a 2-D network on slabs, neighbouring slices.
        channels: features of each scale, finest first.
        blocks: residual blocks per scale; one number, or one for each scale, finest first.

    Raises:
        ValueError: if ``blocks`` and ``channels`` differ in length.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        *,
        channels: Sequence[int] = (32, 64, 128),
        blocks: int | Sequence[int] = 1,
    ) -> None:
        super().__init__()
        convolution = Conv["conv", spatial_dims]
        widths = [in_channels, *channels]
        self.scales = nn.ModuleList()
        for index, (width, depth) in enumerate(zip(channels, ensure_tuple_rep(blocks, len(channels)), strict=True)):
            if index == 0:
                entry = (EntryConv3d if spatial_dims == 3 else EntryConv2d)(
                    in_channels, width, kernel_size=3, padding=1
                )
            else:
                entry = convolution(widths[index], width, kernel_size=2, stride=2)
            self.scales.append(nn.Sequential(entry, *(ContentBlock(spatial_dims, width) for _ in range(depth))))
        self.downsampling = 2 ** (len(channels) - 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Encode ``image`` ``(B, C, *spatial)``, each side a multiple of ``self.downsampling``."""
        content = [image]
        for scale in self.scales:
            content.append(scale(content[-1]))
        return content
