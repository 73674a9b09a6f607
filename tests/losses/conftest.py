"""Small networks and one batch for the tests of the objectives."""

from collections.abc import Callable

import pytest
import torch
from monai.losses import PatchAdversarialLoss

from monai_unsup_denoise.networks import RicianGenerator
from monai_unsup_denoise.networks.rician_generator import NoisyImages
from tests.small_networks import perturbed, published_denoiser, small_denoiser, small_discriminator, small_generator

CHANNELS = 3  # a slab of three slices


@pytest.fixture
def least_squares() -> PatchAdversarialLoss:
    return PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """A noisy image and a clean one of other anatomy, ``(2, 3, 32, 32)``."""
    return {"noisy": 0.1 + torch.rand(2, CHANNELS, 32, 32), "clean": torch.rand(2, CHANNELS, 32, 32)}


@pytest.fixture
def networks() -> torch.nn.ModuleDict:
    """Networks of the published method; nothing in the generators is zero, so that gradients flow."""
    denoiser = published_denoiser(2, CHANNELS)
    return torch.nn.ModuleDict(
        {
            "content_encoder": denoiser.content_encoder,
            "noise_encoder": denoiser.noise_encoder,
            "generator_high": denoiser.generator,
            "generator_low": small_generator(2, CHANNELS),
            "discriminator_high": small_discriminator(CHANNELS),
            "discriminator_low": small_discriminator(CHANNELS),
        }
    )


@pytest.fixture
def volumes() -> dict[str, torch.Tensor]:
    """A noisy volume and a clean one of other anatomy, ``(2, 1, 16, 12, 8)``."""
    return {"noisy": 0.1 + torch.rand(2, 1, 16, 12, 8), "clean": torch.rand(2, 1, 16, 12, 8)}


@pytest.fixture
def physics_networks() -> torch.nn.ModuleDict:
    """Networks of the physics-guided method: the denoiser, and a generator that adds noise of the level it reads."""
    denoiser = small_denoiser(working_sigma=0.1)
    perturbed(denoiser.noise_encoder)
    return torch.nn.ModuleDict(
        {
            "denoiser": denoiser,
            "generator_low": RicianGenerator(denoiser.noise_level),
            "discriminator_high": small_discriminator(1, 3),
            "discriminator_low": small_discriminator(1, 3),
        }
    )


@pytest.fixture
def made(physics_networks) -> list[NoisyImages]:
    """What the generator of noisy images makes from now on."""
    generator, found = physics_networks["generator_low"], []

    def corrupt(image, code):
        found.append(RicianGenerator.corrupt(generator, image, code))
        return found[-1]

    generator.corrupt = corrupt
    return found


@pytest.fixture
def reached(physics_networks) -> Callable[[], set[str]]:
    """Which parts of the physics-guided networks have a gradient."""

    def names() -> set[str]:
        denoiser = physics_networks["denoiser"]
        parts = {name: getattr(denoiser, name) for name in ("content_encoder", "noise_encoder")}
        parts["generator_high"] = denoiser.generator
        parts |= {name: net for name, net in physics_networks.items() if name.startswith("discriminator")}
        return {
            name
            for name, part in parts.items()
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
        }

    return names
