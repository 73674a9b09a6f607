"""MONAI transforms for MR magnitude images: check, bring to a reference intensity, add Rician noise."""

from monai_unsup_denoise.transforms.check_volume import CheckVolume, CheckVolumed
from monai_unsup_denoise.transforms.normalize import ScaleToReferenceIntensity, ScaleToReferenceIntensityd
from monai_unsup_denoise.transforms.reference import reference_intensity
from monai_unsup_denoise.transforms.rician import AddRicianNoise, AddRicianNoised, RandRician, RandRiciand

__all__ = [
    "CheckVolume",
    "CheckVolumed",
    "ScaleToReferenceIntensity",
    "ScaleToReferenceIntensityd",
    "RandRician",
    "RandRiciand",
    "AddRicianNoise",
    "AddRicianNoised",
    "reference_intensity",
]
