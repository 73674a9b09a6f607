"""Training methods, one objective each; the perceptual loss of one of them."""

from monai_unsup_denoise.losses.cyclegan import CycleGANObjective
from monai_unsup_denoise.losses.noise_reading import NoiseReadingObjective
from monai_unsup_denoise.losses.objective import ADVERSARIAL_TERMS, Objective
from monai_unsup_denoise.losses.paired import PairedObjective
from monai_unsup_denoise.losses.paper import PaperObjective
from monai_unsup_denoise.losses.paper_plus import PaperPlusObjective
from monai_unsup_denoise.losses.perceptual import TissuePerceptualLoss
from monai_unsup_denoise.losses.physics import PhysicsObjective
from monai_unsup_denoise.losses.pinball import pinball_loss
from monai_unsup_denoise.losses.regression import RegressionObjective
from monai_unsup_denoise.losses.self_supervised import SelfSupervisedObjective
