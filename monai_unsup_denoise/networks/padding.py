"""Padding for networks that halve the resolution, and its inverse."""

from torch import Tensor, nn


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Extend each side of ``image`` ``(B, C, *spatial)`` at its end, by replication, to a multiple."""
    amounts: list[int] = []
    for axis in range(image.dim() - 1, 1, -1):
        amounts += [0, (-image.size(axis)) % multiple]
    return nn.functional.pad(image, amounts, mode="replicate")


def crop_as(image: Tensor, original: Tensor) -> Tensor:
    """Crop the sides of ``image`` ``(B, C, *spatial)`` at their ends to those of ``original``."""
    for axis in range(2, image.dim()):
        image = image.narrow(axis, 0, original.size(axis))
    return image
