"""Training methods, one objective each, and their terms."""

from monai_unsup_denoise.losses.adversarial import discriminator_loss, generator_loss
from monai_unsup_denoise.losses.cyclegan import CycleGANObjective
from monai_unsup_denoise.losses.kl_divergence import kl_divergence, sample_code
from monai_unsup_denoise.losses.objective import ADVERSARIAL_TERMS, Objective
from monai_unsup_denoise.losses.paired import PairedObjective
from monai_unsup_denoise.losses.paper import PaperObjective
from monai_unsup_denoise.losses.perceptual import TissuePerceptualLoss
from monai_unsup_denoise.losses.physics import PhysicsObjective
from monai_unsup_denoise.losses.regression import RegressionObjective
from monai_unsup_denoise.losses.relative_error import relative_root_mean_square
from monai_unsup_denoise.losses.self_supervised import SelfSupervisedObjective

__all__ = [
    "ADVERSARIAL_TERMS",
    "CycleGANObjective",
    "Objective",
    "PairedObjective",
    "PaperObjective",
    "PhysicsObjective",
    "RegressionObjective",
    "SelfSupervisedObjective",
    "TissuePerceptualLoss",
    "discriminator_loss",
    "generator_loss",
    "kl_divergence",
    "relative_root_mean_square",
    "sample_code",
]
