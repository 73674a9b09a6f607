"""How a denoised volume is measured."""

from monai_unsup_denoise.metrics.by_noise_level import ByNoiseLevel

__all__ = ["ByNoiseLevel"]
