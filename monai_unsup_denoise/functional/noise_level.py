"""Noise level of a magnitude volume, estimated from its background."""

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, conv1d

_WINDOW = 5
_LOG_BIN = 0.01  # width of a histogram bin of the local mean: 1 %
_PEAK = 0.15  # half-width of the mode; in background the mean of 5^3 voxels scatters by 4.7 %
_MIN_FRACTION = 0.01  # of the windows that must be background
_RAYLEIGH_MEAN = math.sqrt(math.pi / 2)
_RAYLEIGH_VARIATION = math.sqrt(4 / math.pi - 1)  # standard deviation / mean, 0.523
_RAYLEIGH_KURTOSIS = 2.0  # E[m^4] / E[m^2]^2
_KURTOSIS_TOLERANCE = 0.05


def estimate_background_sigma(volume: Tensor) -> Tensor:
    """Sigma from the most frequent local mean of the background.

        sigma = sqrt(2 / pi)  mode{ mean of m over 5^3 voxels }

    The mode is taken over windows with the statistics of a Rayleigh distribution: the standard deviation is 0.523 of
    the mean, and ``E[m^4] = 2 E[m^2]^2``. Both ratios are lower in tissue. Valid for single-coil or adaptively combined
    magnitude images with an unmasked, unfiltered background. For spatially varying noise the result is the most common
    level in the background.

    Args:
        volume: magnitudes, three axes (leading axes of length 1 are dropped). Axes shorter than 5 get a shorter window.

    Returns:
        Sigma in the units of the volume, a float32 tensor without axes.

    Raises:
        ValueError: if the input is not one volume, or has no usable background: constant, masked, noise-free or cropped
            to the head.

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
    tolerance = 1.5 / math.sqrt(math.prod(window))  # three standard deviations between windows
    background = (variation - _RAYLEIGH_VARIATION).abs() < tolerance  # false for 0 / 0
    centres = m
    for axis, n in enumerate(window, start=2):
        centres = centres.narrow(axis, n // 2, mean.shape[axis])
    while background.float().mean() >= _MIN_FRACTION:
        peak = _mode(mean[background])
        near = background & ((mean / peak - 1).abs() < _PEAK)
        power = (centres[near] / peak).square()
        kurtosis = power.square().mean() / power.mean().square()
        is_rayleigh = abs(kurtosis / _RAYLEIGH_KURTOSIS - 1) < _KURTOSIS_TOLERANCE
        if is_rayleigh and near.float().mean() >= _MIN_FRACTION:
            return peak / _RAYLEIGH_MEAN
        background &= mean < peak * (1 - _PEAK)  # this peak was noisy tissue; the background is darker
    raise ValueError(
        f"no background to estimate the noise level from in the volume of shape {shape}, values {volume.min():.4g} to "
        f"{volume.max():.4g}: it looks masked, cropped, constant or noise-free; give the whole volume as scanned, or "
        "give sigma"
    )


def _mode(values: Tensor) -> Tensor:
    """Mode of positive values with a scatter proportional to their size."""
    log = values.log()
    low = log.min()
    counts = torch.bincount(((log - low) / _LOG_BIN).long()).float()
    smooth = conv1d(counts[None, None], torch.ones(1, 1, 7), padding=3)[0, 0]
    mode = torch.exp(low + (smooth.argmax() + 0.5) * _LOG_BIN)
    for _ in range(5):
        mode = values[(values / mode - 1).abs() < _PEAK / 1.5].mean()
    return mode


def _local_mean(image: Tensor, window: list[int]) -> Tensor:
    for axis, n in enumerate(window):
        image = avg_pool3d(image, [n if i == axis else 1 for i in range(3)], stride=1)
    return image
