"""The distance to the clean image in units of the noise, every image counting the same."""

from __future__ import annotations

import torch

_FLOOR = 0.01  # of the noise level: below it, an image is as good as done


def log_relative_error(pred: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor, *, power: int = 1) -> torch.Tensor:
    """Mean over the images of ``1/p log(mean(|pred - clean|^p / sigma^p) + floor)``.

    Errors at 5 % noise are a quarter of those at 30 %, and those of plain air a fraction of those of the skull. In
    units of sigma and under the logarithm, an image's gradient is relative to its own error: no level or kind of image
    is left to be learned last. With ``power`` 2 it is the PSNR, up to sign, scale and a constant.

    Args:
        pred, clean: ``(B, C, *spatial)``.
        sigma: noise level, positive; broadcasts against them.
        power: 1 for the mean absolute, 2 for the mean squared error.

    Raises:
        ValueError: for another power.
    """
    if power not in (1, 2):
        raise ValueError(f"power must be 1 (absolute) or 2 (squared error), got {power}")
    error = ((pred.float() - clean) / sigma).abs().pow(power).flatten(1).mean(1)
    return torch.log(error + _FLOOR**power).mean() / power
