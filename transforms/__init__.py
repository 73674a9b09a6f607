"""MONAI transforms for MR magnitude images: check, bring to a reference intensity, add Rician noise."""

from monai_unsup_denoise.transforms.check_volume import CheckVolume, CheckVolumed
from monai_unsup_denoise.transforms.normalize import NormalizeReference, NormalizeReferenced
from monai_unsup_denoise.transforms.reference import reference_intensity
from monai_unsup_denoise.transforms.rician import RandRician, RandRiciand, Rician, Riciand

__all__ = [
    "CheckVolume",
    "CheckVolumed",
    "NormalizeReference",
    "NormalizeReferenced",
    "RandRician",
    "RandRiciand",
    "Rician",
    "Riciand",
    "reference_intensity",
]
