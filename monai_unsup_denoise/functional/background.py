"""Background masking, as scanners, defacing and brain extraction do it."""

from torch import Tensor
from torch.nn.functional import max_pool2d, max_pool3d


def zero_background(noisy: Tensor, clean: Tensor, *, margin: int = 2) -> Tensor:
    """Set ``noisy`` to zero wherever ``clean`` is zero within ``margin`` voxels.

    Noise is never exactly zero, so a masked background carries no information about its level.

    Args:
        noisy, clean: ``(B, C, *spatial)``, 2-D or 3-D.
        margin: width of the rim around tissue that keeps its noise, in voxels.

    Raises:
        ValueError: if the images have neither two nor three spatial axes.
    """
    if noisy.dim() not in (4, 5):
        raise ValueError(f"images (B, C, *spatial) in 2-D or 3-D expected, got shape {tuple(noisy.shape)}")
    dilate = max_pool2d if noisy.dim() == 4 else max_pool3d
    return noisy * dilate((clean > 0).to(noisy.dtype), kernel_size=2 * margin + 1, stride=1, padding=margin)
