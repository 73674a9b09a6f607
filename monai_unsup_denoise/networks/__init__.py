"""Networks of the method: encoders of content and noise, generators, and the denoiser made of them."""

from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.denoiser import DisentangledDenoiser
from monai_unsup_denoise.networks.generator import ContentGenerator
from monai_unsup_denoise.networks.noise_encoder import NoiseEncoder
from monai_unsup_denoise.networks.noise_level import NoiseLevel
from monai_unsup_denoise.networks.rician_generator import RicianGenerator
from monai_unsup_denoise.networks.tissue_classifier import TissueClassifier

__all__ = [
    "ContentEncoder",
    "ContentGenerator",
    "DisentangledDenoiser",
    "NoiseEncoder",
    "NoiseLevel",
    "RicianGenerator",
    "TissueClassifier",
]
