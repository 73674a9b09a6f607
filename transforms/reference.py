"""The reference intensity of a volume: that of bright tissue."""

import torch
from torch import Tensor

_BLOCK = 3
_MOST_VALUES = 2**24  # the limit of torch.quantile


def reference_intensity(image: Tensor, percentile: float = 99.5) -> Tensor:
    """Percentile of the medians of 3^n blocks that are above their mean.

    Block medians suppress isolated outliers and three quarters of the noise. Medians above their mean are tissue, even
    if most of the image is background. If there are none (a constant image, a few bright voxels), the maximum is
    returned, or 1 if that is not positive: the result is always a valid divisor.

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
    blocks = blocks.flatten(image.ndim)
    medians = blocks.median(dim=-1).values.flatten()
    if image.ndim == 4:  # a constant background counts as a mask of 0
        flat = (blocks.amax(dim=-1) == blocks.amin(dim=-1)).flatten()
        medians = torch.where(torch.isin(medians, medians[flat].unique()), 0, medians)
    bright = medians[medians > medians.mean()]
    bright = bright[:: 1 + len(bright) // _MOST_VALUES]
    reference = torch.quantile(bright, percentile / 100) if len(bright) else blocks.max()
    return reference if reference > 0 else torch.ones_like(reference)
