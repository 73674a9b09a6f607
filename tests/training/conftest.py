"""Small networks, a loader and a trainer for the tests of the training."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from monai.losses import PatchAdversarialLoss

from monai_unsup_denoise.losses import ADVERSARIAL_TERMS, PaperObjective, PhysicsObjective
from monai_unsup_denoise.networks import RicianGenerator
from monai_unsup_denoise.training.trainer import UnpairedTrainer
from tests.small_networks import perturbed, published_denoiser, small_denoiser, small_discriminator, small_generator

Images = dict[str, torch.Tensor]


class TwoTerms:
    """The least an objective can be: a generator and a discriminator of one layer each.

    ``decoy`` pulls both layers in the generator's half-step as well as ``judge`` in the discriminator's: what moves
    says who got the gradient.
    """

    weights = {"fit": 1.0, "decoy": 2.0, "judge": 0.5}

    def generator_step(self, networks, batch: Images) -> tuple[Images, Images]:
        pred = networks["generator"](batch["noisy"])
        terms = {"fit": (pred - batch["clean"]).square().mean(), "decoy": networks["discriminator"](pred).mean()}
        return terms, {"pred": pred.detach()}

    def discriminator_step(self, networks, batch: Images, images: Images) -> Images:
        return {"judge": (networks["discriminator"](networks["generator"](batch["noisy"])) - 1).square().mean()}


def two_networks() -> torch.nn.ModuleDict:
    return torch.nn.ModuleDict(
        {"generator": torch.nn.Conv2d(1, 1, 3, padding=1), "discriminator": torch.nn.Conv2d(1, 1, 3)}
    )


@pytest.fixture
def two_terms() -> TwoTerms:
    return TwoTerms()


@pytest.fixture
def loader() -> list[Images]:
    """Three batches of two unpaired patches ``(2, 1, 16, 16)``."""
    return [{"noisy": 0.1 + torch.rand(2, 1, 16, 16), "clean": torch.rand(2, 1, 16, 16)} for _ in range(3)]


@pytest.fixture
def volumes() -> list[Images]:
    """Three batches of two unpaired patches ``(2, 1, 12, 12, 8)``."""
    return [{"noisy": 0.1 + torch.rand(2, 1, 12, 12, 8), "clean": torch.rand(2, 1, 12, 12, 8)} for _ in range(3)]


@pytest.fixture
def make_trainer(loader, volumes) -> Callable[..., UnpairedTrainer]:
    """Makes a trainer of `TwoTerms` by default; anything may be replaced."""

    def make(*, lr: float = 0.1, discriminator_lr: float = 0.1, max_epochs: int = 1, **given: Any) -> UnpairedTrainer:
        networks = given.pop("networks", None) or two_networks()
        sides = {"generator": [], "discriminator": []}
        for name, network in networks.items():
            sides["discriminator" if name.startswith("discriminator") else "generator"] += network.parameters()
        rates = {"generator": lr, "discriminator": discriminator_lr}
        optimizers = given.pop("optimizers", None) or {
            name: torch.optim.SGD(set(side), lr=rates[name]) for name, side in sides.items()
        }
        return UnpairedTrainer(
            torch.device("cpu"),
            max_epochs,
            given.pop("train_data_loader", volumes if "denoiser" in networks else loader),
            networks=networks,
            optimizers=optimizers,
            objective=given.pop("objective", None) or TwoTerms(),
            **given,
        )

    return make


@pytest.fixture
def paper() -> tuple[torch.nn.ModuleDict, PaperObjective]:
    """The published method with small networks."""
    denoiser = published_denoiser()
    networks = {
        "content_encoder": denoiser.content_encoder,
        "noise_encoder": denoiser.noise_encoder,
        "generator_high": denoiser.generator,
        "generator_low": small_generator(),
    }
    weights = dict.fromkeys(PaperObjective.TERMS, 1.0)
    objective = PaperObjective(weights, adversarial=_least_squares(), perceptual=torch.nn.functional.mse_loss)
    return _with_discriminators(networks), objective


@pytest.fixture
def physics() -> tuple[torch.nn.ModuleDict, PhysicsObjective]:
    """The physics-guided method with small networks and all of its terms."""
    denoiser = small_denoiser(working_sigma=0.1)
    perturbed(denoiser.noise_encoder)
    networks = {"denoiser": denoiser, "generator_low": RicianGenerator(denoiser.noise_level)}
    weights = dict.fromkeys((*PhysicsObjective.TERMS, *ADVERSARIAL_TERMS), 1.0)
    return _with_discriminators(networks, 3), PhysicsObjective(weights, adversarial=_least_squares())


def _least_squares() -> PatchAdversarialLoss:
    return PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)


def _with_discriminators(networks: dict[str, torch.nn.Module], spatial_dims: int = 2) -> torch.nn.ModuleDict:
    judges = {name: small_discriminator(1, spatial_dims) for name in ("discriminator_high", "discriminator_low")}
    return torch.nn.ModuleDict(networks | judges)
