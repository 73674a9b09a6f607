"""One trainer for every method, and its handlers."""

from monai_unsup_denoise.training.best_model import BestModel
from monai_unsup_denoise.training.by_noise_level import ByNoiseLevel
from monai_unsup_denoise.training.checkpoints import EpochCheckpoint
from monai_unsup_denoise.training.epoch_seed import EpochSeed
from monai_unsup_denoise.training.federated_rounds import FederatedRounds, load_received
from monai_unsup_denoise.training.longer_code import load_with_longer_code
from monai_unsup_denoise.training.muon import Muon
from monai_unsup_denoise.training.net2net import load_and_deepen
from monai_unsup_denoise.training.parameter_groups import muon_groups
from monai_unsup_denoise.training.placement import place_networks
from monai_unsup_denoise.training.run_description import new_run_name, run_parameters, run_tags
from monai_unsup_denoise.training.trainer import UnpairedTrainer, existing
from monai_unsup_denoise.training.validation_images import ValidationImages, comparison_figure
from monai_unsup_denoise.training.weight_average import WeightAverage

__all__ = [
    "BestModel",
    "ByNoiseLevel",
    "EpochCheckpoint",
    "EpochSeed",
    "FederatedRounds",
    "Muon",
    "UnpairedTrainer",
    "ValidationImages",
    "WeightAverage",
    "comparison_figure",
    "existing",
    "load_and_deepen",
    "load_received",
    "muon_groups",
    "new_run_name",
    "place_networks",
    "run_parameters",
    "run_tags",
]
