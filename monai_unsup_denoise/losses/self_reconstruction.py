"""Self-reconstruction: a clean image comes back from its own content and code."""

from torch import Tensor, nn
from torch.nn.functional import l1_loss


def self_reconstruction(high: Tensor, content: list[Tensor], encode_noise: nn.Module, to_high: nn.Module) -> Tensor:
    """``| G_H(E^c(h), E^n(h)) - h |_1``: nothing is taken from an image without noise.

    The relatives of the method ask the same of ``l`` and ``G_L``. Here ``G_L`` draws noise, so it cannot return the
    noise of ``l``, and would learn to draw none.

    Du W, Chen H, Yang H (2020). Learning Invariant Representation for Unsupervised Image Restoration. CVPR; Lu B, Chen
    J-C, Chellappa R (2019). Unsupervised Domain-Specific Deblurring via Disentangled Representations. CVPR.

    Args:
        high: clean images ``(B, C, *spatial)``.
        content: of ``high``, finest scale first.
        encode_noise: ``E^n``, returning mean and log-variance; the mean is taken.
        to_high: ``G_H``.
    """
    code, _ = encode_noise(high)
    return l1_loss(to_high(content, code).float(), high)
