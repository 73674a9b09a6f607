"""What the rooms ask of a denoising network: capabilities as protocols, which mypy checks."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch


class DenoisingNetwork(Protocol):
    """Every denoiser of the bundle. Images are ``(B, C, *spatial)``, in units of their reference intensity."""

    def encode_noise(self, image: torch.Tensor) -> torch.Tensor:
        """Noise code ``(B, code_channels)`` of images; of length zero where the method has none."""

    def __call__(self, image: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Denoised images; ``code`` is ``(B, code_channels)``, or a map of it ``(B, code_channels, *grid)``."""


@runtime_checkable
class NoiseAwareNetwork(DenoisingNetwork, Protocol):
    """A denoiser whose noise code stands for a noise level; also a TorchScript file of one."""

    def encode_noise_map(self, image: torch.Tensor) -> torch.Tensor:
        """Coarse map of the noise code ``(B, code_channels, *grid)``."""

    def sigma(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level ``(B, *grid)`` of codes ``(B, code_channels, *grid)``, in units of the image."""

    def scale_sigma(self, code: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Codes whose noise level is ``factor`` ``(B, *grid)`` times as high."""
