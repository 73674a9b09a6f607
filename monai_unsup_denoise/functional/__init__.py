"""Layer 0: pure functions on tensors. Rician mathematics, smooth noise maps, the noise level of a volume,
non-local Bayes."""

from monai_unsup_denoise.functional.background import zero_background
from monai_unsup_denoise.functional.noise_correlation import decorrelation_stride
from monai_unsup_denoise.functional.noise_level import estimate_background_sigma
from monai_unsup_denoise.functional.noise_variation import log_sigma_rms, median_tissue_sigma
from monai_unsup_denoise.functional.nonlocal_bayes import nonlocal_bayes
from monai_unsup_denoise.functional.residual_noise import residual_noise_map
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
from monai_unsup_denoise.functional.smoothing import triangular_smooth
from monai_unsup_denoise.functional.upsampling import upsample_to

__all__ = [
    "add_rician_noise",
    "estimate_background_sigma",
    "decorrelation_stride",
    "invert_rician_mean",
    "koay_inversion",
    "zero_background",
    "log_sigma_rms",
    "nonlocal_bayes",
    "residual_noise_map",
    "upsample_to",
    "rician_log_density",
    "rician_mean",
    "rician_second_moment",
    "rician_variance",
    "smooth_map",
    "triangular_smooth",
    "median_tissue_sigma",
]
