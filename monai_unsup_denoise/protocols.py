"""Capabilities of denoising networks, as protocols for mypy and for ``isinstance``."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch


class DenoisingNetwork(Protocol):
    """Any denoiser of the bundle. Images are ``(B, C, *spatial)``, in units of their reference intensity."""

    def encode_noise(self, image: torch.Tensor) -> torch.Tensor:
        """Noise code ``(B, code_channels)`` of images; of length zero for methods without one."""

    def __call__(
        self, image: torch.Tensor, code: torch.Tensor, mean_code: torch.Tensor | None = None, /
    ) -> torch.Tensor:
        """Denoised images; ``code`` is ``(B, code_channels)``, or a map ``(B, code_channels, *grid)`` with its mean."""


@runtime_checkable
class NoiseAwareNetwork(DenoisingNetwork, Protocol):
    """A denoiser with a noise code that stands for a noise level, in Python or TorchScript."""

    def encode_noise_map(self, image: torch.Tensor) -> torch.Tensor:
        """Coarse map of the noise code, ``(B, code_channels, *grid)``."""

    def sigma(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level ``(B, *grid)`` of codes ``(B, code_channels, *grid)``, in units of the image."""

    def scale_sigma(self, code: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Codes with ``factor`` ``(B, *grid)`` times the noise level."""


class TrainableNetwork(NoiseAwareNetwork, Protocol):
    """A noise-aware denoiser with what its training needs."""

    @property
    def noise_encoder(self) -> Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
        """Mean and log-variance of the noise code of images, each ``(B, code_channels)``."""
