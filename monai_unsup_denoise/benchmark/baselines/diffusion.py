"""Anisotropic diffusion by ITK, the comparator of the published method.

Whitaker RT, Xue X (2001). Variable-conductance, level-set curvature for image denoising. IEEE ICIP 3:142-145.
"""

from __future__ import annotations

import itk
import numpy as np
from scipy.special import i0e, i1e

from monai_unsup_denoise.benchmark.baselines.tuned import tuned_parameters

_TIME_STEP = 0.0625  # the largest that is stable in 3-D: 1 / 2^(3 + 1)
_NEWTON_STEPS = 8
_diffuse = itk.curvature_anisotropic_diffusion_image_filter  # loads the filter's library, which ITK does on demand


class AnisotropicDiffusion:
    """ITK's curvature anisotropic diffusion (modified curvature diffusion) in 3-D, in units of voxels.

    The published form keeps the Rician bias. `unbiased` takes the diffused volume as the local mean of the magnitudes
    and returns the amplitude with this mean.

    Args:
        unbiased: whether to invert the Rician mean after diffusion.
        conductance: edges with a gradient well below conductance times the mean gradient are smoothed.
        iterations: of the time step 1/16. Both None: as tuned on phantoms at the noise level nearest by ratio.
    """

    def __init__(
        self, *, unbiased: bool = False, conductance: float | None = None, iterations: int | None = None
    ) -> None:
        if (conductance is None) != (iterations is None):
            raise ValueError("conductance and iterations belong together: give both, or neither for the tuned ones")
        self.unbiased = unbiased
        self.chosen = None if conductance is None else {"conductance": conductance, "iterations": iterations}

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`; `sigma` as a fraction of the clean maximum, which is 1."""
        method = "adf_unbiased" if self.unbiased else "adf"
        diffused = diffuse(noisy, **(self.chosen or tuned_parameters(method, sigma)))
        return remove_bias(diffused, sigma) if self.unbiased else diffused


def diffuse(noisy: np.ndarray, *, conductance: float, iterations: int) -> np.ndarray:
    """The volume after `iterations` steps, float32; n steps after m steps equal m + n steps."""
    volume = np.array(noisy, dtype=np.float32)
    if iterations == 0 or volume.min() == volume.max():  # ITK divides by the mean gradient
        return volume
    # ITK's x is the last axis of the array; the filter treats all axes alike.
    image = itk.image_from_array(volume)
    diffused = _diffuse(image, time_step=_TIME_STEP, conductance_parameter=conductance, number_of_iterations=iterations)
    return itk.array_from_image(diffused)


def remove_bias(diffused: np.ndarray, sigma: float) -> np.ndarray:
    """The amplitudes with `diffused` as their Rician means, float32; 0 below the noise floor `sigma sqrt(pi / 2)`.

    Newton's method on `L_{1/2}(-2 u) = mean / (sigma sqrt(pi / 2))`, `u = A^2 / (4 sigma^2)`. The left side is concave
    in `u` and the start is below the root, so the iteration converges monotonically.
    """
    ratio = diffused.astype(np.float64) / (sigma * np.sqrt(np.pi / 2))
    above = ratio > 1
    ratio = np.where(above, ratio, 2.0)
    u = np.maximum(ratio - 1, np.pi / 8 * ratio**2 - 0.5)
    for _ in range(_NEWTON_STEPS):
        laguerre = (1 + 2 * u) * i0e(u) + 2 * u * i1e(u)  # its derivative is i0e(u) + i1e(u)
        u = u + (ratio - laguerre) / (i0e(u) + i1e(u))
    return np.where(above, 2 * sigma * np.sqrt(u), 0.0).astype(np.float32)
