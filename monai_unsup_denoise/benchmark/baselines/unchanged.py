"""No denoising: the lower bound of every method."""

from __future__ import annotations

import numpy as np


class Unchanged:
    """The noisy volume as it is."""

    def __call__(self, noisy: np.ndarray, sigma: float | None = None) -> np.ndarray:
        """A float32 copy of `noisy`; `sigma` is ignored."""
        return np.array(noisy, dtype=np.float32)
