"""Small networks and one batch for the tests of the objectives."""

from collections.abc import Callable

import pytest
import torch
from monai.losses import PatchAdversarialLoss
from monai.networks.nets import PatchDiscriminator

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    NoiseEncoder,
    NoiseLevel,
    PhysicsGuidedDenoiser,
    RicianGenerator,
)

CHANNELS = 3  # a slab of three slices


@pytest.fixture
def least_squares() -> PatchAdversarialLoss:
    return PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """A noisy image and a clean one of other anatomy, ``(2, 3, 32, 32)``."""
    return {"noisy": 0.1 + torch.rand(2, CHANNELS, 32, 32), "clean": torch.rand(2, CHANNELS, 32, 32)}


def discriminator() -> PatchDiscriminator:
    return PatchDiscriminator(spatial_dims=2, in_channels=CHANNELS, channels=4, num_layers_d=1, norm="INSTANCE")


@pytest.fixture
def networks() -> torch.nn.ModuleDict:
    """Networks of the published method; nothing in the generators is zero, so that gradients flow."""
    made = {
        "content_encoder": ContentEncoder(2, CHANNELS, channels=(4, 6)),
        "noise_encoder": NoiseEncoder(2, channels=4),
        "generator_high": ContentGenerator(2, CHANNELS, code_channels=1, channels=(4, 6)),
        "generator_low": ContentGenerator(2, CHANNELS, code_channels=1, channels=(4, 6)),
        "discriminator_high": discriminator(),
        "discriminator_low": discriminator(),
    }
    with torch.no_grad():
        for name in ("generator_high", "generator_low"):
            for parameter in made[name].parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    return torch.nn.ModuleDict(made)


@pytest.fixture
def physics_networks(networks) -> torch.nn.ModuleDict:
    """Networks of the physics-guided method: the denoiser, and a generator that adds noise of the level it reads."""
    denoiser = PhysicsGuidedDenoiser(
        networks["content_encoder"],
        networks["noise_encoder"],
        networks["generator_high"],
        NoiseLevel(),
        working_sigma=0.1,
    )
    torch.nn.init.normal_(denoiser.noise_encoder.log_variance_weight, std=0.1)
    return torch.nn.ModuleDict(
        {
            "denoiser": denoiser,
            "generator_low": RicianGenerator(denoiser.noise_level),
            "discriminator_high": networks["discriminator_high"],
            "discriminator_low": networks["discriminator_low"],
        }
    )


@pytest.fixture
def reached(physics_networks) -> Callable[[], set[str]]:
    """Which parts of the physics-guided networks have a gradient."""

    def names() -> set[str]:
        denoiser = physics_networks["denoiser"]
        parts = {name: getattr(denoiser, name) for name in ("content_encoder", "noise_encoder", "noise_level")}
        parts["generator_high"] = denoiser.generator
        parts |= {name: net for name, net in physics_networks.items() if name.startswith("discriminator")}
        return {
            name
            for name, part in parts.items()
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
        }

    return names
