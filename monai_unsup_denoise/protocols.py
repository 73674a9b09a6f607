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

    def noise_cells(self, image: torch.Tensor) -> torch.Tensor:
        """What is known of the noise in each cell of 4 x 4 x 4 voxels, ``(B, channels, *grid)``."""

    def noise_code(self, cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the noise code ``(B, code_channels)`` of an image with these cells."""

    def is_white(self, code: torch.Tensor) -> torch.Tensor:
        """Whether codes ``(B, code_channels)`` are of white noise, which has a denoiser of its own; ``(B,)``."""

    def read_white(self, image: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """The codes of images, better known where their noise is white."""

    def noise_map(self, cells: torch.Tensor) -> torch.Tensor:
        """Coarse map of the noise code, ``(B, code_channels, *grid)``."""

    def sigma(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level ``(B, *grid)`` of codes ``(B, code_channels, *grid)``, in units of the image."""

    def scale_sigma(self, code: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
        """Codes with ``factor`` ``(B, *grid)`` times the noise level."""

    def code_of(self, sigma: torch.Tensor, correlation: torch.Tensor, coils: torch.Tensor) -> torch.Tensor:
        """Codes ``(B, 5, *spatial)`` of levels ``(B, *spatial)``, correlations ``(B, 3)`` and coils ``(B,)``."""

    def correlation(self, code: torch.Tensor) -> torch.Tensor:
        """Correlation of the noise of neighbours along each axis, ``(B, 3)``, of codes ``(B, code_channels)``."""

    def coils(self, code: torch.Tensor) -> torch.Tensor:
        """Number of coils ``(B,)`` of codes ``(B, code_channels)``, 1 or more and not rounded."""


class CellReader(Protocol):
    """A noise encoder of volumes."""

    def cells(self, image: torch.Tensor) -> torch.Tensor:
        """What is known of the noise in each cell, ``(B, channels, *grid)``."""

    def pool(self, cells: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the code, and the weight of each cell for the level, ``(B, cells)``."""


class NoiseGenerator(Protocol):
    """A generator of noisy images that knows the noise it adds."""

    def corrupt(self, image: torch.Tensor, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Noisy images of clean ones, and the true code and sigma of their noise."""


class TrainableNetwork(NoiseAwareNetwork, Protocol):
    """A noise-aware denoiser with what its training needs."""

    @property
    def noise_encoder(self) -> Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
        """Mean and log-variance of the noise code of images, each ``(B, code_channels)``."""
