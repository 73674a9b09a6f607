"""Small networks for the tests: the parts of each method, with random weights where untrained networks have zeros."""

import torch
from monai.networks.nets import PatchDiscriminator

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DisentangledDenoiser,
    NoiseEncoder,
    NoiseLevel,
    PhysicsGuidedDenoiser,
)


def small_denoiser(
    spatial_dims: int = 2,
    in_channels: int = 1,
    *,
    code_channels: int = 1,
    channels: tuple[int, ...] = (4, 6),
    physics: bool = True,
    working_sigma: float | None = None,
    residual: bool = True,
    trained: bool = True,
) -> DisentangledDenoiser:
    """The physics-guided denoiser, or with ``physics=False`` the published one."""
    content_encoder = ContentEncoder(spatial_dims, in_channels, channels=channels)
    noise_encoder = NoiseEncoder(spatial_dims, code_channels=code_channels, channels=4)
    generator = small_generator(
        spatial_dims, in_channels, code_channels=code_channels, channels=channels, residual=residual, trained=trained
    )
    if not physics:
        return DisentangledDenoiser(content_encoder, noise_encoder, generator)
    noise_level = NoiseLevel(code_channels)
    return PhysicsGuidedDenoiser(content_encoder, noise_encoder, generator, noise_level, working_sigma=working_sigma)


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


def small_discriminator(in_channels: int = 1) -> PatchDiscriminator:
    """A 2-D patch discriminator."""
    return PatchDiscriminator(spatial_dims=2, in_channels=in_channels, channels=4, num_layers_d=1, norm="INSTANCE")


def perturbed(network: torch.nn.Module) -> torch.nn.Module:
    """Add Gaussian noise to every parameter, in place."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network
