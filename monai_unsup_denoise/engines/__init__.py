"""Training, validation and inference: one trainer for all methods, and its handlers."""

from monai_unsup_denoise.engines.best_model import BestModel
from monai_unsup_denoise.engines.bundle_denoiser import BundleDenoiser
from monai_unsup_denoise.engines.checkpoints import EpochCheckpoint, find_checkpoint
from monai_unsup_denoise.engines.deepening import load_shallower_weights
from monai_unsup_denoise.engines.epoch_seed import EpochSeed
from monai_unsup_denoise.engines.mixed_precision import autocast_dtype
from monai_unsup_denoise.engines.mlflow_model import save_mlflow_model
from monai_unsup_denoise.engines.output_maps import OutputMapsd
from monai_unsup_denoise.engines.parameter_groups import muon_groups
from monai_unsup_denoise.engines.pictures import ExamplePictures, comparison_figure
from monai_unsup_denoise.engines.registration import register_weights
from monai_unsup_denoise.engines.slab_inferer import SlabInferer
from monai_unsup_denoise.engines.tracking import RunTracker
from monai_unsup_denoise.engines.tracking_server import check_tracking_server
from monai_unsup_denoise.engines.trainer import UnpairedTrainer
from monai_unsup_denoise.engines.volume_denoiser import DenoisedVolume, VolumeDenoiser
from monai_unsup_denoise.engines.volume_inferer import VolumeInferer
from monai_unsup_denoise.engines.weight_average import WeightAverage
from monai_unsup_denoise.engines.weights import load_weights, weights_sha256

__all__ = [
    "BestModel",
    "BundleDenoiser",
    "DenoisedVolume",
    "EpochCheckpoint",
    "EpochSeed",
    "ExamplePictures",
    "OutputMapsd",
    "RunTracker",
    "SlabInferer",
    "UnpairedTrainer",
    "VolumeDenoiser",
    "VolumeInferer",
    "WeightAverage",
    "autocast_dtype",
    "check_tracking_server",
    "comparison_figure",
    "find_checkpoint",
    "load_shallower_weights",
    "load_weights",
    "muon_groups",
    "register_weights",
    "save_mlflow_model",
    "weights_sha256",
]
