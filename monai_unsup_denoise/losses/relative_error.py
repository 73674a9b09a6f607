"""The distance to the clean image, made comparable between noise levels: the errors that a denoiser may be trained on.

All take ``(pred, clean, sigma)``: images ``(B, C, *spatial)`` and the noise level, positive, which broadcasts against
them; and return a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

ImageError = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

_FLOOR = 0.01  # of the noise level: below it, an image is as good as done
_TINY = 1e-6  # keeps the gradient of the root finite
_GROWTH = 0.7  # chosen by hand


def relative_root_mean_square(pred: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean over the images of ``sqrt(mean(((pred - clean) / sigma^0.7)^2))``.

    What a denoiser leaves behind grows more slowly than the noise level, hence the power: no level is to take all the
    gradient. The root keeps an image with ten times the error from counting a hundred times as much; within an image
    errors count by their square, so edges more than air.
    """
    error = (pred.float() - clean) / sigma.pow(_GROWTH)
    return (error.square().flatten(1).mean(1) + _TINY).sqrt().mean()


def log_mean_absolute(pred: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean over the images of ``log(mean(|pred - clean| / sigma) + 0.01)``.

    Under the logarithm an image's gradient is relative to its own error: plain air counts as much as a skull.
    """
    error = ((pred.float() - clean) / sigma).abs().flatten(1).mean(1)
    return torch.log(error + _FLOOR).mean()
