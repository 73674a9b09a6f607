"""Padding for networks that halve the resolution, and its inverse."""

import torch
from torch import Tensor


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Extend each side of ``image`` ``(B, C, *spatial)`` at its end, by reflection, to a multiple.

    Repeated planes would have the same noise, which a denoiser takes for anatomy. Only sides shorter than the padding
    repeat their first plane.
    """
    for axis in range(2, image.dim()):
        last = image.size(axis) - 1
        planes = torch.arange(last + 1 + (-last - 1) % multiple, device=image.device)
        image = image.index_select(axis, (last - (planes - last).abs()).clamp(min=0))
    return image


def crop_as(image: Tensor, original: Tensor) -> Tensor:
    """Crop the sides of ``image`` ``(B, C, *spatial)`` at their ends to those of ``original``."""
    for axis in range(2, image.dim()):
        image = image.narrow(axis, 0, original.size(axis))
    return image
