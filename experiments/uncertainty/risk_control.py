"""Intervals that hold what they promise: by how much to widen them, from independent volumes whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq


def mean_bound(losses: np.ndarray, *, doubt: float) -> float:
    """A number that the expected loss exceeds with probability of at most ``doubt``.

    The betting bound of Waudby-Smith and Ramdas, as in Bates S et al. (2021). Distribution-free, risk-controlling
    prediction sets. J ACM 68(6):43, proposition 5.

    Args:
        losses: of independent volumes, ``(N,)``, each from 0 to 1.
        doubt: from 0 to 1, usually 0.1.
    """
    losses = np.asarray(losses, dtype=np.float64)
    count = np.arange(1, len(losses) + 1)
    means = (0.5 + losses.cumsum()) / (1 + count)
    variances = (0.25 + ((losses - means) ** 2).cumsum()) / (1 + count)
    before = np.concatenate([[0.25], variances[:-1]])  # a bet may not know its own outcome
    bets = np.minimum(1, np.sqrt(2 * math.log(1 / doubt) / (len(losses) * before)))

    def wealth(expected: float) -> float:
        """The logarithm of the most won, by betting that losses are below ``expected``, over what proves it wrong."""
        with np.errstate(divide="ignore"):
            return float(np.log1p(-bets * (losses - expected)).cumsum().max() - math.log(1 / doubt))

    if wealth(1.0) <= 0:
        return 1.0
    return float(brentq(wealth, losses.mean(), 1.0, xtol=1e-6)) if wealth(losses.mean()) < 0 else float(losses.mean())


def controlled_factor(
    losses_at: Callable[[float], np.ndarray], *, most: float, doubt: float, largest: float = 10.0
) -> float:
    """The least factor of intervals for which `mean_bound` is at most ``most``.

    With probability ``1 - doubt`` over the calibrating volumes, new ones like them then have an expected loss of at
    most ``most``. Ibid., theorem 1.

    Args:
        losses_at: losses of the volumes ``(N,)`` by factor; they fall with it.
        most: such as 0.05, for intervals of 95 %.
        doubt: as in `mean_bound`.
        largest: factor that is tried.

    Raises:
        ValueError: if even that is too small.
    """
    low, high = 0.0, largest
    if mean_bound(losses_at(high), doubt=doubt) > most:
        raise ValueError(f"intervals {largest:g} times as wide are too narrow, or there are too few volumes")
    while high - low > 1e-3:
        middle = (low + high) / 2
        if mean_bound(losses_at(middle), doubt=doubt) > most:
            low = middle
        else:
            high = middle
    return high
