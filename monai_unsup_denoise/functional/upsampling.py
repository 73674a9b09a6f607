"""A number or a coarse map for each image, brought to the image's size."""

from __future__ import annotations

import torch
from torch.nn.functional import interpolate


def upsample_to(coarse: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """``coarse`` ``(B, K, *grid)`` interpolated linearly to ``(B, K, *spatial)``, the spatial axes of ``image``.

    Without spatial axes, ``(B, K)``, it gets axes of length 1, so that it broadcasts.
    """
    if coarse.dim() == 2:
        for _ in range(image.dim() - 2):
            coarse = coarse.unsqueeze(-1)
        return coarse
    mode = "bilinear" if image.dim() == 4 else "trilinear"
    return interpolate(coarse, size=image.shape[2:], mode=mode, align_corners=False)
