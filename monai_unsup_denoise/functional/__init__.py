"""Pure functions of tensors: Rician statistics, noise estimation, smooth maps, non-local Bayes."""

from monai_unsup_denoise.functional.background import flat_regions, zero_background
from monai_unsup_denoise.functional.coarse_maps import smooth_map, triangular_smooth, unsqueeze_like, upsample_to
from monai_unsup_denoise.functional.noise_correlation import decorrelation_stride
from monai_unsup_denoise.functional.noise_maps import (
    least_sigma,
    log_sigma_rms,
    median_tissue_sigma,
    residual_noise_map,
)
from monai_unsup_denoise.functional.nonlocal_bayes import nonlocal_bayes
from monai_unsup_denoise.functional.rician import add_rician_noise, rician_log_density, rician_mean, rician_variance
