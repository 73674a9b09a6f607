"""Pure functions of tensors: Rician statistics, noise of scanners, noise estimation, smooth maps, non-local Bayes."""

from monai_unsup_denoise.functional.air_noise import AirNoise, air_noise
from monai_unsup_denoise.functional.background import flat_regions, zero_background
from monai_unsup_denoise.functional.coarse_maps import smooth_map, triangular_smooth, unsqueeze_like, upsample_to
from monai_unsup_denoise.functional.constant_background import ConstantBackground
from monai_unsup_denoise.functional.draw_scanner_noise import EFFECTS, check_effects, draw_scanner_noise
from monai_unsup_denoise.functional.kspace_window import KSpaceWindow
from monai_unsup_denoise.functional.noise_gain import NoiseGain
from monai_unsup_denoise.functional.noise_maps import (
    least_sigma,
    log_sigma_rms,
    median_tissue_sigma,
    residual_noise_map,
    residual_share,
)
from monai_unsup_denoise.functional.noise_truth import LAGS, NoiseTruth, noise_spectrum, noise_truth
from monai_unsup_denoise.functional.nonlocal_bayes import nonlocal_bayes
from monai_unsup_denoise.functional.resampling import Resampling
from monai_unsup_denoise.functional.rician import add_rician_noise, rician_log_density, rician_mean, rician_variance
from monai_unsup_denoise.functional.scanner_kinds import SCANNER_KINDS
from monai_unsup_denoise.functional.scanner_noise import ScannerNoise, add_scanner_noise
