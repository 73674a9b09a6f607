"""Gaussian blur (SciPy)."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_unsup_denoise.benchmark.baselines.tuned import tuned_parameters


class GaussianBlur:
    """A 3-D Gaussian filter; the Rician bias stays.

    Args:
        width: standard deviation in voxels; None: as tuned on phantoms at the noise level nearest by ratio.
    """

    def __init__(self, width: float | None = None) -> None:
        self.width = width

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Blur a volume `(X, Y, Z)`; the width depends on `sigma`, a fraction of the clean maximum."""
        width = tuned_parameters("gaussian", sigma)["width"] if self.width is None else self.width
        return gaussian_filter(np.asarray(noisy, dtype=np.float32), width)
