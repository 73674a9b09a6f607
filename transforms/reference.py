"""The intensity that stands for "bright tissue" in a volume."""

from __future__ import annotations

import torch
from torch import Tensor

_BLOCK = 3
_MOST_VALUES = 2**24  # torch.quantile takes no more


def reference_intensity(image: Tensor, percentile: float = 99.5) -> Tensor:
    """Percentile of the bright part of an image: of the medians of 3^n blocks, those above their mean.

    Block medians remove isolated outliers and three quarters of the noise; what is above the mean is tissue,
    however large the background. Where nothing is left (a constant image, a few bright voxels) it is the
    maximum, and 1 where that is not positive, so that one can always divide by it.

    Args:
        image: ``(C, *spatial)``, any number of spatial axes.
        percentile: 0 to 100.

    Returns:
        A positive float32 tensor without axes, in the units of the image.
    """
    blocks = image.detach().float()
    for axis in range(1, image.ndim):
        size = min(_BLOCK, blocks.shape[axis])
        blocks = blocks.unfold(axis, size, size)
    medians = blocks.flatten(image.ndim).median(dim=-1).values.flatten()
    bright = medians[medians > medians.mean()]
    bright = bright[:: 1 + len(bright) // _MOST_VALUES]
    reference = torch.quantile(bright, percentile / 100) if len(bright) else blocks.max()
    return reference if reference > 0 else torch.ones_like(reference)
