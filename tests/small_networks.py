"""Small networks for the tests: the parts of each method, with random weights where untrained networks have zeros."""

import torch
from monai.networks.nets import PatchDiscriminator

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DisentangledDenoiser,
    NoiseEncoder,
    NoiseLevel,
    NoiseReader,
    PhysicsGuidedDenoiser,
)


def small_denoiser(
    *,
    channels: tuple[int, ...] = (4, 6),
    working_sigma: float | None = None,
    residual: bool = True,
    trained: bool = True,
) -> PhysicsGuidedDenoiser:
    """The physics-guided denoiser, for volumes; its noise encoder is untrained, and so right about white noise."""
    generator = small_generator(3, code_channels=5, channels=channels, residual=residual, trained=trained)
    reader = NoiseReader(channels=(4, 6))
    torch.nn.init.constant_(reader.sureness[-1].bias, -4.0)  # sure of its code
    return PhysicsGuidedDenoiser(
        ContentEncoder(3, 1, channels=channels),
        reader,
        generator,
        NoiseLevel(),
        working_sigma=working_sigma,
    )


def published_denoiser(
    spatial_dims: int = 2,
    in_channels: int = 1,
    *,
    code_channels: int = 1,
    channels: tuple[int, ...] = (4, 6),
    residual: bool = True,
    trained: bool = True,
) -> DisentangledDenoiser:
    """The denoiser of the published method."""
    generator = small_generator(
        spatial_dims, in_channels, code_channels=code_channels, channels=channels, residual=residual, trained=trained
    )
    return DisentangledDenoiser(
        ContentEncoder(spatial_dims, in_channels, channels=channels),
        NoiseEncoder(spatial_dims, code_channels=code_channels, channels=4),
        generator,
    )


def small_generator(
    spatial_dims: int = 2,
    in_channels: int = 1,
    *,
    code_channels: int = 1,
    channels: tuple[int, ...] = (4, 6),
    residual: bool = True,
    trained: bool = True,
) -> ContentGenerator:
    """A generator; with ``trained=True`` no weight is zero, so that gradients reach everything."""
    generator = ContentGenerator(
        spatial_dims, in_channels, code_channels=code_channels, channels=channels, residual=residual
    )
    return perturbed(generator) if trained else generator


def small_discriminator(in_channels: int = 1, spatial_dims: int = 2) -> PatchDiscriminator:
    """A patch discriminator."""
    return PatchDiscriminator(
        spatial_dims=spatial_dims, in_channels=in_channels, channels=4, num_layers_d=1, norm="INSTANCE"
    )


def perturbed(network: torch.nn.Module) -> torch.nn.Module:
    """Add Gaussian noise to every parameter, in place."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network
