"""The reference intensity of a volume: that of bright tissue."""

import torch
from torch import Tensor

_BLOCK = 3
_LEAST_REST = 0.1  # of the blocks of a constant, that other blocks must be, for it to be background
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
    flat = (blocks.amax(dim=-1) == blocks.amin(dim=-1)).flatten() & (medians > 0)
    if image.ndim == 4 and flat.any():
        constant = medians == medians[flat].mode().values
        rest = int((medians > 0).sum() - constant.sum())
        # A constant background, not a few blocks that are alike by rounding, nor the tissue of an image without noise.
        if (flat & constant).sum() > 0.5 * constant.sum() and rest > _LEAST_REST * constant.sum():
            medians = torch.where(constant, 0, medians)
    bright = medians[medians > medians.mean()]
    bright = bright[:: 1 + len(bright) // _MOST_VALUES]
    reference = torch.quantile(bright, percentile / 100) if len(bright) else blocks.max()
    return reference if reference > 0 else torch.ones_like(reference)
