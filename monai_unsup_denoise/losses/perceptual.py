"""Equation (10): distance in the features of a pretrained network, without a download."""

from torch import Tensor, nn


class TissuePerceptualLoss(nn.Module):
    """``|| phi(a) - phi(b) ||_2^2``, averaged over the features of one layer of a pretrained classifier.

    Channels of the images (neighbouring slices) are compared one by one; volumes slice by slice along the last axis.

    Args:
        classifier: pretrained, with ``features(image) -> list`` as ``TissueClassifier`` has; it is frozen.
        layer: index of the layer, 0 the finest.
    """

    def __init__(self, classifier: nn.Module, *, layer: int = 1) -> None:
        super().__init__()
        self.classifier = classifier
        self.classifier.requires_grad_(False).eval()
        self.layer = layer

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance of two batches ``(B, C, *spatial)``, a scalar."""
        return nn.functional.mse_loss(self._features(first), self._features(second))

    def _features(self, image: Tensor) -> Tensor:
        features: list[Tensor] = self.classifier.features(_slices(image))  # type: ignore[operator]
        return features[self.layer].float()


def _slices(image: Tensor) -> Tensor:
    if image.dim() == 5:
        image = image.movedim(-1, 1).flatten(0, 1)
    return image.flatten(0, 1).unsqueeze(1)
