"""The noise level of a magnitude volume, read from the air around the patient."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

_WINDOW = 5
_LOG_BIN = 0.01  # width of a histogram bin of the local mean: 1 %
_PEAK = 0.15  # the mode is looked at within 15 % of itself; in air a 5^3 window's mean scatters by 4.7 %
_RAYLEIGH_MEAN = math.sqrt(math.pi / 2)
_RAYLEIGH_VARIATION = math.sqrt(4 / math.pi - 1)  # standard deviation / mean, 0.523
_RAYLEIGH_KURTOSIS = 2.0  # E[m^4] / E[m^2]^2
_KURTOSIS_TOLERANCE = 0.05


def estimate_background_sigma(volume: Tensor, *, minimum_fraction: float = 0.01) -> Tensor:
    """Sigma from the most frequent local mean of the air background.

        sigma = sqrt(2 / pi)  mode{ mean of m over 5^3 voxels }

    The mode is taken over the windows that look like air: in a Rayleigh distribution the standard deviation
        is 0.523 of the mean and ``E[m^4] = 2 E[m^2]^2``, in tissue both are lower. Holds for single-coil (or
        adaptively combined) magnitude images whose air was neither masked nor filtered, and needs no
        knowledge of the anatomy. With noise that varies over the volume it gives the level that is most
        common in air.

    Args:
        volume: magnitudes, three axes (leading axes of length 1 are dropped). Axes shorter than 5 get a
            shorter window.
        minimum_fraction: part of all windows that must be air.

    Returns:
        Sigma in the units of the volume, a float32 tensor without axes.

    Raises:
        ValueError: if the volume has not three axes, or no air to read from: constant, masked to zero,
            noise-free or cropped to the head.

    Aja-Fernandez S, Tristan-Vega A, Alberola-Lopez C (2009). Noise estimation in single- and multiple-coil
    magnetic resonance data based on statistical models. Magn Reson Imaging 27(10):1397-1409.
    """
    shape = tuple(volume.shape)
    if volume.ndim < 3 or any(n != 1 for n in shape[:-3]) or 0 in shape:
        raise ValueError(f"the noise level is estimated from one volume of three axes, got shape {shape}")
    m = volume.detach().float().reshape(1, 1, *shape[-3:])
    window = [min(_WINDOW, n) for n in shape[-3:]]
    mean = _local_mean(m, window)
    variation = (_local_mean(m.square(), window) / mean.square() - 1).clamp(min=0).sqrt()
    tolerance = 1.5 / math.sqrt(math.prod(window))  # about three times its scatter from window to window
    air = (variation - _RAYLEIGH_VARIATION).abs() < tolerance  # false where the mean is 0: 0 / 0
    centres = m
    for axis, n in enumerate(window, start=2):
        centres = centres.narrow(axis, n // 2, mean.shape[axis])
    while air.float().mean() >= minimum_fraction:
        peak = _mode(mean[air])
        near = air & ((mean / peak - 1).abs() < _PEAK)
        power = (centres[near] / peak).square()
        kurtosis = power.square().mean() / power.mean().square()
        is_rayleigh = abs(kurtosis / _RAYLEIGH_KURTOSIS - 1) < _KURTOSIS_TOLERANCE
        if is_rayleigh and near.float().mean() >= minimum_fraction:
            return peak / _RAYLEIGH_MEAN
        air &= mean < peak * (1 - _PEAK)  # that was noisy tissue; air is darker
    raise ValueError(
        f"no air background to read the noise level from in the volume of shape {shape}, values "
        f"{volume.min():.4g} to {volume.max():.4g}: it looks masked, cropped, constant or free of noise; "
        "give the whole volume as it was scanned, or give sigma"
    )


def _mode(values: Tensor) -> Tensor:
    """The most frequent of positive values that scatter in proportion to themselves."""
    log = values.log()
    low = log.min()
    counts = torch.bincount(((log - low) / _LOG_BIN).long()).float()
    smooth = torch.nn.functional.conv1d(counts[None, None], torch.ones(1, 1, 7), padding=3)[0, 0]
    mode = torch.exp(low + (smooth.argmax() + 0.5) * _LOG_BIN)
    for _ in range(5):
        mode = values[(values / mode - 1).abs() < _PEAK / 1.5].mean()
    return mode


def _local_mean(image: Tensor, window: list[int]) -> Tensor:
    for axis, n in enumerate(window):
        kernel = [n if i == axis else 1 for i in range(3)]
        image = avg_pool3d(image, kernel, stride=1)
    return image
