"""The feature extractor of the perceptual loss."""

from collections.abc import Sequence

from monai.networks.layers import Conv
from torch import Tensor, nn


class TissueClassifier(nn.Module):
    """Small 2-D network trained to segment the phantom; its features are ``phi`` of equation (10).

    Args:
        classes: number of tissues, including background.
        channels: features of each layer; every layer after the first halves the resolution.
    """

    def __init__(self, classes: int = 7, *, channels: Sequence[int] = (16, 32, 64)) -> None:
        super().__init__()
        widths = [1, *channels]
        self.layers = nn.ModuleList(
            nn.Sequential(
                Conv["conv", 2](before, after, kernel_size=3, padding=1, stride=1 if index == 0 else 2),
                nn.ReLU(),
                Conv["conv", 2](after, after, kernel_size=3, padding=1),
                nn.ReLU(),
            )
            for index, (before, after) in enumerate(zip(widths[:-1], widths[1:], strict=True))
        )
        self.head = Conv["conv", 2](channels[-1], classes, kernel_size=1)

    def features(self, image: Tensor) -> list[Tensor]:
        """Features of every layer, finest first, of images ``(B, 1, H, W)`` in units of their reference intensity."""
        features = [image]
        for layer in self.layers:
            features.append(layer(features[-1]))
        return features[1:]

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``(B, classes, H, W)``."""
        logits = self.head(self.features(image)[-1])
        return nn.functional.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=False)
