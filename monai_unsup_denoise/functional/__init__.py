"""Layer 0: pure functions on tensors. Rician mathematics, smooth noise maps, the noise level of a volume,
non-local Bayes."""

from monai_unsup_denoise.functional.air_mask import mask_air
from monai_unsup_denoise.functional.noise_correlation import independent_stride
from monai_unsup_denoise.functional.noise_level import estimate_background_sigma
from monai_unsup_denoise.functional.noise_variation import noise_variation, typical_level
from monai_unsup_denoise.functional.nonlocal_bayes import nonlocal_bayes
from monai_unsup_denoise.functional.residual_noise import residual_noise_map
from monai_unsup_denoise.functional.resizing import resize
from monai_unsup_denoise.functional.rician import (
    add_rician_noise,
    invert_rician_mean,
    koay_inversion,
    rician_log_density,
    rician_mean,
    rician_second_moment,
    rician_variance,
)
from monai_unsup_denoise.functional.smooth_map import smooth_map
from monai_unsup_denoise.functional.smoothing import smooth_twice

__all__ = [
    "add_rician_noise",
    "estimate_background_sigma",
    "independent_stride",
    "invert_rician_mean",
    "koay_inversion",
    "mask_air",
    "noise_variation",
    "nonlocal_bayes",
    "residual_noise_map",
    "resize",
    "rician_log_density",
    "rician_mean",
    "rician_second_moment",
    "rician_variance",
    "smooth_map",
    "smooth_twice",
    "typical_level",
]
