"""Denoise a volume with a trained network: estimate the noise once, denoise, refine, make maps."""

from monai_unsup_denoise.inference.calibration import read_calibration
from monai_unsup_denoise.inference.denoise_any import ScanNoise, denoise
from monai_unsup_denoise.inference.denoise_mri import DenoiseMRI, DenoiseMRId
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.folder import FolderDenoiser, ScanDataset
from monai_unsup_denoise.inference.noise import NoiseEstimate
from monai_unsup_denoise.inference.precision import autocast_dtype
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.inference.slab_inferer import SlabInferer
from monai_unsup_denoise.inference.volume_inferer import VolumeInferer
from monai_unsup_denoise.inference.volumes import denoise_volumes
from monai_unsup_denoise.inference.weights import load_weights, weights_sha256
