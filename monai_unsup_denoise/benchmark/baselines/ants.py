"""Spatially adaptive non-local means of ANTs, `DenoiseImage` (package antspyx).

Manjon JV et al. (2010). Adaptive non-local means denoising of MR images with spatially varying noise levels. J Magn
Reson Imaging 31(1):192-203.
"""

from __future__ import annotations

import numpy as np


class AntsDenoise:
    """`ants.denoise_image` for Rician noise with its defaults; finds the noise level by itself."""

    def __call__(self, noisy: np.ndarray, sigma: float | None = None) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` is not looked at."""
        import ants

        image = ants.from_numpy(np.array(noisy, dtype=np.float32))
        return np.asarray(ants.denoise_image(image, noise_model="AddRicianNoise").numpy(), dtype=np.float32)
