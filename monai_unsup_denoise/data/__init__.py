"""Training data: phantoms, local files and BrainWeb, and the datasets that draw samples from them."""

from monai_unsup_denoise.data.brainweb import brainweb_datalist
from monai_unsup_denoise.data.cache import default_cache_dir
from monai_unsup_denoise.data.datalists import data_source_label, evaluation_datalist, training_datalists
from monai_unsup_denoise.data.pairing import PairedDataset, UnpairedDataset
from monai_unsup_denoise.data.phantom import phantom_datalist
from monai_unsup_denoise.data.read_scans import ReadScansd
from monai_unsup_denoise.data.subjects import split_by_subject
