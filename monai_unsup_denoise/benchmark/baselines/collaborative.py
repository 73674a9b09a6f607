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
    """BM3D of each slice of the last axis."""

    def __init__(self) -> None:
        from bm3d import bm3d

        self._bm3d = bm3d

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` in its units."""
        return _denoise_stabilized(noisy, sigma, self._denoise)

    def _denoise(self, volume: np.ndarray, deviation: float) -> np.ndarray:
        slices = [self._bm3d(volume[..., k], deviation).reshape(volume.shape[:2]) for k in range(volume.shape[2])]
        return np.stack(slices, axis=-1)


class BM4D:
    """BM4D of the volume."""

    def __init__(self) -> None:
        from bm4d import bm4d

        self._bm4d = bm4d

    def __call__(self, noisy: np.ndarray, sigma: float, spectrum: np.ndarray | None = None) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` in its units.

        `spectrum` is the power of the noise at each frequency of `numpy.fft.fftn`, `(X, Y, Z)`, mean 1; None for white.
        """

        def denoise(volume: np.ndarray, deviation: float) -> np.ndarray:
            noise = deviation if spectrum is None else deviation**2 * volume.size * spectrum
            return self._bm4d(volume, noise).reshape(volume.shape)

        return _denoise_stabilized(noisy, sigma, denoise)


def _denoise_stabilized(
    noisy: np.ndarray, sigma: float, denoise: Callable[[np.ndarray, float], np.ndarray]
) -> np.ndarray:
    stabilized = stabilize_variance(noisy, sigma)
    low = float(stabilized.min())
    extent = float(np.ptp(stabilized)) or 1.0  # their thresholds for similar blocks expect values in [0, 1]
    denoised = denoise((stabilized - low) / extent, 1 / extent)
    return invert_stabilized_mean(denoised * extent + low, sigma).astype(np.float32)
