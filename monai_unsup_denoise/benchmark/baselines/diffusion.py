"""Anisotropic diffusion by ITK, the comparator of the published method.

Whitaker RT, Xue X (2001). Variable-conductance, level-set curvature for image denoising. IEEE ICIP 3:142-145.
"""

from __future__ import annotations

import numpy as np

from monai_unsup_denoise.benchmark.baselines.tuned import tuned_parameters

_TIME_STEP = 0.0625  # the largest that is stable in 3-D: 1 / 2^(3 + 1)


class AnisotropicDiffusion:
    """ITK's curvature anisotropic diffusion (modified curvature diffusion) in 3-D, in units of voxels.

    As published it keeps the Rician bias. `unbiased` takes the diffused volume for the local mean of the magnitudes
    and gives the amplitude that has this mean.

    Args:
        unbiased: whether to invert the Rician mean after diffusion.
        conductance: edges whose gradient is small beside conductance times the mean gradient are smoothed.
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
    """The volume after `iterations` steps; float32. Steps can be taken in portions: the result is the same."""
    volume = np.array(noisy, dtype=np.float32)
    if iterations == 0 or volume.min() == volume.max():  # ITK divides by the mean gradient
        return volume
    import itk

    # Array axes as they are: ITK's x is the last of the array, and the filter treats all axes alike.
    image = itk.image_from_array(volume)
    diffused = itk.curvature_anisotropic_diffusion_image_filter(
        image, time_step=_TIME_STEP, conductance_parameter=conductance, number_of_iterations=iterations
    )
    return itk.array_from_image(diffused)


def remove_bias(diffused: np.ndarray, sigma: float) -> np.ndarray:
    """The amplitudes whose Rician means are the values of `diffused`; float32."""
    import torch

    from monai_unsup_denoise.functional import invert_rician_mean

    return invert_rician_mean(torch.from_numpy(diffused), sigma).numpy()
