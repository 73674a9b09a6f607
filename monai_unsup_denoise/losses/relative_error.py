"""Errors to train a denoiser on, comparable between noise levels.

All take ``(pred, clean, sigma)``: images ``(B, C, *spatial)`` and the noise level, positive, which broadcasts against
them; and return a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

ImageError = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

_FLOOR = 0.01  # of the noise level: errors below it hardly count
_TINY = 1e-6  # keeps the gradient of the root finite
_GROWTH = 0.7  # chosen by hand


def relative_root_mean_square(pred: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean over the images of ``sqrt(mean(((pred - clean) / sigma^0.7)^2))``.

    The error of a denoiser grows more slowly than the noise level; the power balances the gradients of all levels. The
    root makes images count by their error, not by its square. Within an image the square stands: edges count more than
    background.
    """
    error = (pred.float() - clean) / sigma.pow(_GROWTH)
    return (error.square().flatten(1).mean(1) + _TINY).sqrt().mean()


def log_mean_absolute(pred: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean over the images of ``log(mean(|pred - clean| / sigma) + 0.01)``.

    The logarithm makes the gradient relative to the image's own error.
    """
    error = ((pred.float() - clean) / sigma).abs().flatten(1).mean(1)
    return torch.log(error + _FLOOR).mean()
