"""Networks of the method (encoders, generators, denoisers) and of the baselines."""

from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.denoiser import DisentangledDenoiser
from monai_unsup_denoise.networks.dncnn import DnCNN
from monai_unsup_denoise.networks.generator import ContentGenerator
from monai_unsup_denoise.networks.level_guided_denoiser import LevelGuidedDenoiser
from monai_unsup_denoise.networks.noise_encoder import NoiseEncoder
from monai_unsup_denoise.networks.noise_level import NoiseLevel
from monai_unsup_denoise.networks.noise_reader import NoiseReader
from monai_unsup_denoise.networks.physics_guided_denoiser import PhysicsGuidedDenoiser
from monai_unsup_denoise.networks.rician_generator import RicianGenerator
from monai_unsup_denoise.networks.tissue_classifier import TissueClassifier
from monai_unsup_denoise.networks.translator import ImageTranslator
