"""Air set to zero, as scanners, defacing and brain extraction leave it."""

from __future__ import annotations

import torch
from torch.nn.functional import max_pool2d, max_pool3d


def zero_background(noisy: torch.Tensor, clean: torch.Tensor, *, margin: int = 2) -> torch.Tensor:
    """``noisy`` with zeros wherever ``clean`` is zero within ``margin`` voxels; both ``(B, C, *spatial)``, 2-D or 3-D.

    Noise never makes an exact zero, so a masked image has no noise to read in its air.

    Raises:
        ValueError: if the images have neither two nor three spatial axes.
    """
    if noisy.dim() not in (4, 5):
        raise ValueError(f"images (B, C, *spatial) in 2-D or 3-D expected, got shape {tuple(noisy.shape)}")
    dilate = max_pool2d if noisy.dim() == 4 else max_pool3d
    near_tissue = dilate((clean > 0).to(noisy.dtype), kernel_size=2 * margin + 1, stride=1, padding=margin)
    return noisy * near_tissue
