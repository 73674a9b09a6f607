"""The low-pass loss: denoising keeps what is coarse in an image, apart from the Rician floor."""

import torch
from monai.networks.layers import GaussianFilter
from torch import Tensor
from torch.nn.functional import l1_loss

_SMOOTHING = 4.0  # voxels


def low_pass_loss(fake_high: Tensor, low: Tensor, fake_low: Tensor, high: Tensor) -> Tensor:
    """Mean absolute difference of the root mean squares of ``fakeh`` and ``l``, each smoothed by a Gaussian.

    Noise raises the mean square of a magnitude by ``2 sigma^2`` everywhere (Gudbjartsson, Patz, MRM 1995), which is
    taken from that of ``l``. How much it is, is read off what ``G_L`` added to ``h`` with the same code: the mean
    difference of ``fakel^2`` and ``h^2``. The idea, for noise of zero mean: the background consistency of Du W, Chen H,
    Yang H (2020), Learning Invariant Representation for Unsupervised Image Restoration, CVPR.

    Args:
        fake_high, low: denoised and noisy images of one anatomy ``(B, C, *spatial)``.
        fake_low, high: noisy images, made with the codes of ``low``, and the clean ones that they were made of. Not
            trained here.
    """
    smooth = GaussianFilter(low.dim() - 2, _SMOOTHING).to(low.device)
    with torch.no_grad():
        added = (fake_low.float().square() - high.square()).flatten(1).mean(1)
        floor = added.clamp(min=0).reshape(-1, *(1,) * (low.dim() - 1))
        expected = (smooth(low.float().square()) - floor).clamp(min=0).sqrt()
    return l1_loss((smooth(fake_high.float().square()) + 1e-6).sqrt(), expected)
