"""A network that says how large the error of a denoised volume may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from monai.networks.layers import Conv
from torch import Tensor, nn

from monai_unsup_denoise.functional import rician_mean

#: Shares of the errors that are within the half-widths of `ErrorHead`.
COVERAGES = (0.68, 0.95)

_LARGEST = 8.0  # sigma: beyond it, a residual is cut off
_NUMBERS = 5  # of the noise, the same for every voxel


def noise_numbers(correlation: Sequence[float], *, coils: float, error: float) -> Tensor:
    """What `ErrorHead` is told of the noise, ``(1, 5)``: correlation along each axis, coils, error of sigma."""
    return torch.tensor([[*correlation, math.log(max(coils, 1.0)), error]], dtype=torch.float32)


class ErrorHead(nn.Module):
    """Half-widths of intervals around a denoised volume, in units of its noise level.

    It is trained with the quantile (pinball) loss on phantoms, with the denoiser as it is: Koenker R, Bassett G (1978).
    Regression quantiles. Econometrica 46(1):33-50. On images: Angelopoulos AN et al. (2022). Image-to-image regression
    with distribution-free uncertainty quantification. ICML, section 2.

    All inputs are relative to the noise level, so that the half-widths do not depend on the units of the scan.

    Args:
        channels: features of each layer.
    """

    #: Voxels around a voxel that its half-widths depend on.
    halo = 8

    factors: Tensor

    def __init__(self, *, channels: int = 16) -> None:
        super().__init__()
        convolution = Conv["conv", 3]
        widths = (3 + _NUMBERS, channels, channels, channels)
        layers: list[nn.Module] = []
        for dilation, before, after in zip((1, 2, 4), widths[:-1], widths[1:], strict=True):
            layers += [convolution(before, after, 3, padding=dilation, dilation=dilation), nn.ReLU()]
        self.layers = nn.Sequential(*layers, convolution(channels, len(COVERAGES), 1))
        #: By which calibration widens the half-widths.
        self.register_buffer("factors", torch.ones(len(COVERAGES)))

    def forward(self, noisy: Tensor, denoised: Tensor, sigma: Tensor, numbers: Tensor) -> Tensor:
        """Half-widths ``(B, 2, H, W, D)``, of the smaller and the larger of `COVERAGES`, in the units of the volumes.

        Args:
            noisy, denoised: ``(B, 1, H, W, D)``, denoised without the Rician floor.
            sigma: noise level of each voxel, of the same shape and units; positive.
            numbers: of the noise, ``(B, 5)``, as `noise_numbers` gives them.
        """
        scaled = denoised / sigma
        residual = (noisy - rician_mean(denoised, sigma)) / sigma
        slope = torch.stack([d.square() for d in torch.gradient(scaled, dim=(2, 3, 4))]).sum(0).sqrt()
        inputs = [torch.asinh(scaled) / 4, residual.clamp(-_LARGEST, _LARGEST) / 4, torch.log1p(slope)]
        inputs.append(numbers[:, :, None, None, None].expand(-1, -1, *denoised.shape[2:]))
        logits = self.layers(torch.cat(inputs, dim=1)).float()
        smaller, rest = logits.exp().chunk(2, dim=1)
        widths = torch.cat([smaller, smaller + rest], dim=1) * self.factors[:, None, None, None]
        return widths * sigma
