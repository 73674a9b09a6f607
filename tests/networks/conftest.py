"""A small denoiser for the tests of the networks."""

from collections.abc import Callable

import pytest
import torch

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DisentangledDenoiser,
    NoiseEncoder,
    NoiseLevel,
)


@pytest.fixture
def make_denoiser() -> Callable[..., DisentangledDenoiser]:
    """Makes a small denoiser; ``trained=True`` gives it random weights where an untrained one has zeros."""

    def make(
        spatial_dims: int = 2,
        *,
        in_channels: int = 1,
        unit: bool = True,
        working_sigma: float | None = None,
        residual: bool = True,
        trained: bool = True,
    ) -> DisentangledDenoiser:
        generator = ContentGenerator(spatial_dims, in_channels, code_channels=2, channels=(4, 6, 8), residual=residual)
        denoiser = DisentangledDenoiser(
            ContentEncoder(spatial_dims, in_channels, channels=(4, 6, 8)),
            NoiseEncoder(spatial_dims, code_channels=2, channels=4),
            generator,
            NoiseLevel(2) if unit else None,
            working_sigma=working_sigma,
        )
        if trained:
            with torch.no_grad():
                for parameter in generator.parameters():
                    parameter.add_(0.1 * torch.randn_like(parameter))
        return denoiser

    return make
