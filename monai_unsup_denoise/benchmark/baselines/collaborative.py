"""Collaborative filtering, BM3D and BM4D, between a Rician variance stabilisation and its exact unbiased inverse.

Needs the packages bm3d or bm4d, whose licence is non-commercial.

Dabov K et al. (2007). Image denoising by sparse 3-D transform-domain collaborative filtering. IEEE TIP 16(8):2080-2095.
Maggioni M et al. (2013). Nonlocal transform-domain filter for volumetric data denoising and reconstruction. IEEE TIP
22(1):119-133.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from monai_unsup_denoise.benchmark.baselines.variance_stabilization import invert_stabilized_mean, stabilize_variance


class BM3D:
    """BM3D of each slice along the last axis by itself."""

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)` of Rician noise level `sigma`, in its units."""
        from bm3d import bm3d

        def denoise(volume: np.ndarray, deviation: float) -> np.ndarray:
            slices = [bm3d(volume[..., k], deviation).reshape(volume.shape[:2]) for k in range(volume.shape[2])]
            return np.stack(slices, axis=-1)

        return _denoise_stabilized(noisy, sigma, denoise)


class BM4D:
    """BM4D of the volume."""

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)` of Rician noise level `sigma`, in its units."""
        from bm4d import bm4d

        return _denoise_stabilized(noisy, sigma, bm4d)


def _denoise_stabilized(
    noisy: np.ndarray, sigma: float, denoise: Callable[[np.ndarray, float], np.ndarray]
) -> np.ndarray:
    stabilized = stabilize_variance(noisy, sigma)
    low = float(stabilized.min())
    extent = float(np.ptp(stabilized)) or 1.0  # their thresholds for similar blocks expect values in [0, 1]
    denoised = denoise((stabilized - low) / extent, 1 / extent)
    return invert_stabilized_mean(denoised * extent + low, sigma).astype(np.float32)
