"""Spatially adaptive non-local means of ANTs, `DenoiseImage` (package antspyx).

Manjon JV et al. (2010). Adaptive non-local means denoising of MR images with spatially varying noise levels. J Magn
Reson Imaging 31(1):192-203.
"""

from __future__ import annotations

import numpy as np


class AntsDenoise:
    """`ants.denoise_image` for Rician noise with its defaults; blind."""

    def __init__(self) -> None:
        import ants

        self._ants = ants

    def __call__(self, noisy: np.ndarray, sigma: float | None = None) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` is ignored."""
        image = self._ants.from_numpy(np.array(noisy, dtype=np.float32))
        return np.asarray(self._ants.denoise_image(image, noise_model="Rician").numpy(), dtype=np.float32)
