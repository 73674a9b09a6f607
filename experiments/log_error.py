"""An error that design_ablation compares with that of the training."""

import torch
from torch import Tensor

_FLOOR = 0.01  # of the noise level: errors below it hardly count


def log_mean_absolute(pred: Tensor, clean: Tensor, sigma: Tensor) -> Tensor:
    """Mean over the images of ``log(mean(|pred - clean| / sigma) + 0.01)``, a scalar.

    The logarithm makes the gradient relative to the image's own error. Images are ``(B, C, *spatial)``; sigma is
    positive and broadcasts against them.
    """
    error = ((pred.float() - clean) / sigma).abs().flatten(1).mean(1)
    return torch.log(error + _FLOOR).mean()
