"""Variance stabilisation of Rician noise and its exact unbiased inverse, for denoisers of Gaussian noise.

NumPy and SciPy instead of torch: these denoisers run in an environment without torch.

Foi A (2011). Noise estimation and removal in MR imaging: the variance-stabilization approach. IEEE ISBI, 1809-1814.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import i0e

_STEP = 0.01  # between the magnitudes of the table, in units of sigma
_HIGHEST = 40.0  # magnitude up to which densities are tabulated
_EDGE = 25.0  # from here on the expansions below hold to 2e-5


class _Tables(NamedTuple):
    magnitude: np.ndarray  # z
    stabilized: np.ndarray  # f(z)
    mean: np.ndarray  # E[f(m) | A], increasing
    amplitude_squared: np.ndarray  # A^2, in which the mean is smooth down to A = 0
    offset: float  # f(z) - z + 1 / (4 z) at large z


def stabilize_variance(noisy: np.ndarray, sigma: float) -> np.ndarray:
    """`f(m / sigma)`, an increasing function with `std[f(m / sigma) | A] = 1` nearly, whatever the amplitude A.

    `f'(z) = 1 / std[m | E[m] = z]` (the delta method) keeps the deviation of f(m) within 3 % of 1 for A of 1.5 sigma
    and more. Below the mean of the background, `sqrt(pi / 2)`, the slope falls linearly to 0 at z = 0: f follows z^2
    there, the best statistic for the presence of a signal, and the background has a deviation of 0.76.

    Args:
        noisy: magnitudes of any shape, 0 or more.
        sigma: standard deviation of the noise in each complex channel, positive, in the units of `noisy`.

    Returns:
        Float64, without unit.

    Raises:
        ValueError: if `sigma` is not positive.
    """
    z = np.asarray(noisy, dtype=np.float64) / _positive(sigma)
    tables = _tables()
    high = np.maximum(z, _EDGE)
    return np.where(z < _EDGE, np.interp(z, tables.magnitude, tables.stabilized), high + tables.offset - 1 / (4 * high))


def invert_stabilized_mean(mean: np.ndarray, sigma: float) -> np.ndarray:
    """The amplitude A with `E[f(m / sigma) | A] = mean`, the exact unbiased inverse; 0 below the background's mean.

    The algebraic inverse of `f` would restore the Rician bias.

    Args:
        mean: the denoised output of `stabilize_variance`, any shape.
        sigma: as given to `stabilize_variance`.

    Returns:
        Float64 in the units of `sigma`, 0 or more.

    Raises:
        ValueError: if `sigma` is not positive.
    """
    s = _positive(sigma)
    d = np.asarray(mean, dtype=np.float64)
    tables = _tables()
    low = np.sqrt(np.interp(d, tables.mean, tables.amplitude_squared))
    shifted = np.maximum(d - tables.offset, _EDGE)  # = A + 1 / (4 A)
    return s * np.where(d - tables.offset < _EDGE, low, (shifted + np.sqrt(shifted**2 - 1)) / 2)


def _positive(sigma: float) -> float:
    if not sigma > 0:
        raise ValueError(f"variance stabilisation divides by sigma, which must be positive; got {sigma}")
    return float(sigma)


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    z = np.arange(_STEP / 2, _HIGHEST, _STEP)
    amplitude = np.concatenate([np.arange(0, 4, 0.02), np.arange(4, _EDGE + 5, 0.1)])
    density = z * np.exp(-((z - amplitude[:, None]) ** 2) / 2) * i0e(z * amplitude[:, None])
    density /= density.sum(axis=1, keepdims=True)
    mean_of_z = density @ z
    deviation = np.sqrt(density @ z**2 - mean_of_z**2)
    slope = np.minimum(z / mean_of_z[0], 1) / np.interp(z, mean_of_z, deviation)
    f = _STEP * (np.cumsum(slope) - slope / 2)  # the integral up to the centres of the cells
    edge = int(_EDGE / _STEP)
    offset = float(f[edge] - z[edge] + 1 / (4 * z[edge]))
    return _Tables(np.append(0, z), np.append(0, f), density @ f, amplitude**2, offset)
