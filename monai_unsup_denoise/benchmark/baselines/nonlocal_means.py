"""Blockwise non-local means for Rician noise, by DIPY (package dipy).

Coupe P et al. (2008). An optimized blockwise nonlocal means denoising filter for 3-D magnetic resonance images. IEEE
TMI 27(4):425-441.
"""

from __future__ import annotations

from functools import partial

import numpy as np


class NonLocalMeans:
    """DIPY's `nlmeans`, blockwise and Rician, patches of 3^3 voxels searched in 5^3."""

    def __init__(self) -> None:
        from dipy.denoise.nlmeans import nlmeans

        self._nlmeans = partial(nlmeans, patch_radius=1, block_radius=2, rician=True, method="blockwise", num_threads=1)

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` in its units."""
        return np.asarray(self._nlmeans(np.asarray(noisy, dtype=np.float64), sigma=float(sigma)), dtype=np.float32)
