"""Small networks and one batch for the tests of the objectives."""

import pytest
import torch
from monai.losses import PatchAdversarialLoss
from monai.networks.nets import PatchDiscriminator

from monai_unsup_denoise.networks import ContentEncoder, ContentGenerator, NoiseEncoder, NoiseLevel, RicianGenerator

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
    """Networks of the physics-guided method: the noise level, and a generator that adds noise of that level."""
    networks["noise_level"] = NoiseLevel()
    networks["generator_low"] = RicianGenerator(networks["noise_level"])
    torch.nn.init.normal_(networks["noise_encoder"].log_variance_weight, std=0.1)
    return networks
