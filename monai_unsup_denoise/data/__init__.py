"""Where training images come from: a digital phantom, local files, BrainWeb; and how they are paired."""

from monai_unsup_denoise.data.brainweb import brainweb_datalist
from monai_unsup_denoise.data.datalists import data_kind, measuring_datalist, training_datalists
from monai_unsup_denoise.data.paired import PairedDataset
from monai_unsup_denoise.data.phantom import default_cache_dir, phantom_datalist
from monai_unsup_denoise.data.sources import find_volumes, hold_out
from monai_unsup_denoise.data.unpaired import UnpairedDataset
from monai_unsup_denoise.data.writer import check_output, output_name, write_volume

__all__ = [
    "PairedDataset",
    "UnpairedDataset",
    "brainweb_datalist",
    "check_output",
    "data_kind",
    "default_cache_dir",
    "find_volumes",
    "hold_out",
    "measuring_datalist",
    "output_name",
    "phantom_datalist",
    "training_datalists",
    "write_volume",
]
