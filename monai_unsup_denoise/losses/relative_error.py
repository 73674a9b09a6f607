"""The error to train a denoiser on, comparable between noise levels."""

from collections.abc import Callable

from torch import Tensor

ImageError = Callable[[Tensor, Tensor, Tensor], Tensor]

_TINY = 1e-6  # keeps the gradient of the root finite
_GROWTH = 0.7  # chosen by hand


def relative_root_mean_square(pred: Tensor, clean: Tensor, sigma: Tensor) -> Tensor:
    """Mean over the images of ``sqrt(mean(((pred - clean) / sigma^0.7)^2))``.

    The error of a denoiser grows more slowly than the noise level; the power balances the gradients of all levels. The
    root makes images count by their error, not by its square. Within an image the square stands: edges count more than
    background.

    Images are ``(B, C, *spatial)``; sigma is positive and broadcasts against them. Returns a scalar.
    """
    error = (pred.float() - clean) / sigma.pow(_GROWTH)
    return (error.square().flatten(1).mean(1) + _TINY).sqrt().mean()
