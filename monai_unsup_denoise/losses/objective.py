"""What every training method is: two half-steps, each returning named scalar terms."""

from collections.abc import Iterable, Mapping
from typing import Protocol, cast

from torch import Tensor, nn

from monai_unsup_denoise.protocols import NoiseGenerator, TrainableNetwork

Networks = Mapping[str, nn.Module]
Terms = dict[str, Tensor]
Images = dict[str, Tensor]

#: Terms of equations (3) and (5): generators, then discriminators.
ADVERSARIAL_TERMS = ("adversarial_high", "adversarial_low", "discriminator_high", "discriminator_low")


class Objective(Protocol):
    """A training method, as the trainer sees it.

    ``weights`` has one number for each term; the loss of a half-step is the weighted sum of its terms.
    """

    weights: Mapping[str, float]

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Terms for encoders and generators, and generated images by name, ``pred`` among them."""

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """Terms for the discriminators, given the images of the generator half-step; without discriminators none."""
        return {}


def denoiser_of(networks: Networks) -> TrainableNetwork:
    """The network named ``denoiser``, typed; ``nn.Module`` declares no capability that mypy could check."""
    return cast(TrainableNetwork, networks["denoiser"])


def noise_generator_of(networks: Networks) -> NoiseGenerator:
    """The network named ``generator_low``, typed; one that knows the noise it adds."""
    return cast(NoiseGenerator, networks["generator_low"])


def check_weights(weights: Mapping[str, float], terms: Iterable[str]) -> dict[str, float]:
    """A copy of ``weights``, which must have one for each of ``terms`` and no other.

    Raises:
        ValueError: naming the missing and the unknown terms.
    """
    missing, unknown = sorted(set(terms) - set(weights)), sorted(set(weights) - set(terms))
    if missing or unknown:
        raise ValueError(
            f"`weights` of the objective: missing {missing or 'none'}, unknown {unknown or 'none'}; "
            f"the terms are {sorted(terms)}"
        )
    return dict(weights)
