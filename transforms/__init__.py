"""MONAI transforms for MR magnitude images: validation, intensity scaling, Rician noise."""

from monai_unsup_denoise.transforms.check_volume import CheckVolume, CheckVolumed
from monai_unsup_denoise.transforms.rand_rician import RandRician, RandRiciand
from monai_unsup_denoise.transforms.reference import reference_intensity
from monai_unsup_denoise.transforms.rician_noise import AddRicianNoise, AddRicianNoised
from monai_unsup_denoise.transforms.scale_to_reference import ScaleToReferenceIntensity, ScaleToReferenceIntensityd
