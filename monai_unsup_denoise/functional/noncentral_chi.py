"""Variance of the root of the sum of squares of the images of N coils: noncentral chi with 2 N degrees of freedom."""

from functools import lru_cache

import numpy as np
import torch
from scipy.special import gammaln, hyp1f1
from torch import Tensor

_INTERVALS = 1024  # of the table: its errors are below 1e-6 sigma^2


def unit_chi_variance(square: Tensor, coils: int) -> Tensor:
    """``var[m]`` at sigma = 1 for ``square = A^2``, float64: from a table, linear in ``A^2 / (A^2 + 2 N)``.

    Aja-Fernandez S, Vegas-Sanchez-Ferrero G (2016). Statistical Analysis of Noise in MRI. Springer, section 3.3.
    """
    place = _INTERVALS * square / (square + 2 * coils)
    low = place.floor().clamp(max=_INTERVALS - 1)
    table = _table(coils).to(square.device)
    return torch.lerp(table[low.long()], table[low.long() + 1], place - low)


@lru_cache
def _table(coils: int) -> Tensor:
    share = np.arange(_INTERVALS) / _INTERVALS
    half = coils * share / (1 - share)  # A^2 / 2
    mean = np.sqrt(2) * np.exp(gammaln(coils + 0.5) - gammaln(coils)) * hyp1f1(-0.5, coils, -half)
    return torch.from_numpy(np.append(2 * (coils + half) - mean**2, 1.0))
