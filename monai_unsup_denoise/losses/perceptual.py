"""Equation (10): distance in the features of a pretrained network, without a download."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from monai_unsup_denoise.errors import InputError


class TissuePerceptualLoss(nn.Module):
    """``|| phi(a) - phi(b) ||_2^2``, averaged over the features of one layer of a pretrained classifier.

    Channels of the images (neighbouring slices) are compared one by one; volumes slice by slice along the last axis.

    Args:
        classifier: has ``features(image) -> list``, as ``TissueClassifier``; it is frozen.
        weights_path: its state dictionary.
        layer: index of the layer, 0 the finest.

    Raises:
        InputError: if there are no weights at ``weights_path``, or not this classifier's.
    """

    def __init__(self, classifier: nn.Module, weights_path: str, *, layer: int = 1) -> None:
        super().__init__()
        train = "train them with configs/train_perceptual.json"
        if not Path(weights_path).is_file():
            raise InputError(f"{weights_path}: no weights for the perceptual loss; {train}")
        self.classifier = classifier
        try:
            self.classifier.load_state_dict(torch.load(weights_path, map_location="cpu", weights_only=True))
        except Exception as error:  # whatever torch makes of foreign bytes, and names or shapes that do not match
            raise InputError(f"{weights_path}: a damaged file, or weights of another classifier; {train}") from error
        self.classifier.requires_grad_(False).eval()
        self.layer = layer

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distance of two batches ``(B, C, *spatial)``, a scalar."""
        return nn.functional.mse_loss(self._features(first), self._features(second))

    def _features(self, image: torch.Tensor) -> torch.Tensor:
        features: list[torch.Tensor] = self.classifier.features(_slices(image))  # type: ignore[operator]
        return features[self.layer].float()


def _slices(image: torch.Tensor) -> torch.Tensor:
    if image.dim() == 5:
        image = image.movedim(-1, 1).flatten(0, 1)
    return image.flatten(0, 1).unsqueeze(1)
