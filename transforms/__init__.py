"""MONAI transforms for MR magnitude images: validation, intensity scaling, Rician noise, random clean images."""

from monai_unsup_denoise.transforms.check_volume import CheckVolume, CheckVolumed
from monai_unsup_denoise.transforms.rand_contrast import RandContrastRemap, RandContrastRemapd
from monai_unsup_denoise.transforms.rand_echo_planar import RandEchoPlanar, RandEchoPlanard
from monai_unsup_denoise.transforms.rand_rician import RandRician, RandRiciand
from monai_unsup_denoise.transforms.rand_texture import RandTexture, RandTextured
from monai_unsup_denoise.transforms.rand_voxel_size import RandVoxelSizeCrop, RandVoxelSizeCropd
from monai_unsup_denoise.transforms.reference import reference_intensity
from monai_unsup_denoise.transforms.rician_noise import AddRicianNoise, AddRicianNoised
from monai_unsup_denoise.transforms.scale_to_reference import ScaleToReferenceIntensity, ScaleToReferenceIntensityd
