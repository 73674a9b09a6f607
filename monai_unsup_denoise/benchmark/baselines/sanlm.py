"""Spatially adaptive non-local means of CAT12, without MATLAB (package cat-surf, GPL-2).

Manjon JV et al. (2010). Adaptive non-local means denoising of MR images with spatially varying noise levels. J Magn
Reson Imaging 31(1):192-203.
"""

from __future__ import annotations

import numpy as np


class SpatiallyAdaptiveNonLocalMeans:
    """CAT12's SANLM with its Rician correction; blind, it estimates sigma in each voxel."""

    def __init__(self) -> None:
        from cat_surf import vol_sanlm

        self._vol_sanlm = vol_sanlm

    def __call__(self, noisy: np.ndarray, sigma: float | None = None) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` is ignored."""
        own = np.array(noisy, dtype=np.float32, order="F")  # a copy, since the filter may change its input
        return np.ascontiguousarray(self._vol_sanlm(own, is_rician=True), dtype=np.float32)
