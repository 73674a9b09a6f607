"""CycleGAN: two translators between the noisy and the clean domain, without a model of noise."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn.functional import l1_loss

from monai_unsup_denoise.losses.adversarial import AdversarialLoss, discriminator_terms, generator_loss
from monai_unsup_denoise.losses.image_pool import ImagePool
from monai_unsup_denoise.losses.objective import ADVERSARIAL_TERMS, Images, Networks, Terms, check_weights


class CycleGANObjective:
    """Adversarial, cycle and identity losses over two generators and two discriminators, trained without pairs.

    Networks: ``generator_high`` (noisy to clean, the denoiser), ``generator_low`` (clean to noisy),
    ``discriminator_high``, ``discriminator_low``.

    Args:
        weights: one number for each of ``TERMS``. The two halves of the cycle loss have their own, as in the program
            of its authors; a ``generator_low`` that draws noise cannot return that of the noisy image.
        adversarial: adversarial loss, called as MONAI's ``PatchAdversarialLoss``; least squares, as published.
        pool_size: generated images of each domain that are kept for the discriminators.

    Zhu J-Y, Park T, Isola P, Efros AA (2017). Unpaired image-to-image translation using cycle-consistent adversarial
    networks. ICCV; section 5.2 for the identity loss, section 4 for the pool.
    """

    TERMS = ("cycle_high", "cycle_low", "identity", *ADVERSARIAL_TERMS)

    def __init__(self, weights: Mapping[str, float], *, adversarial: AdversarialLoss, pool_size: int = 50) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.adversarial = adversarial
        self.pools = {"pred": ImagePool(pool_size), "fake_low": ImagePool(pool_size)}

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Adversarial, cycle and identity terms."""
        low, high = batch["noisy"], batch["clean"]
        to_high, to_low = networks["generator_high"], networks["generator_low"]
        fake_high, fake_low = to_high(low), to_low(high)
        terms = {
            "adversarial_high": generator_loss(self.adversarial, networks["discriminator_high"], fake_high),
            "adversarial_low": generator_loss(self.adversarial, networks["discriminator_low"], fake_low),
            "cycle_high": l1_loss(to_high(fake_low).float(), high),
            "cycle_low": l1_loss(to_low(fake_high).float(), low),
            "identity": l1_loss(to_high(high).float(), high) + l1_loss(to_low(low).float(), low),
        }
        return terms, {"pred": fake_high.detach(), "fake_low": fake_low.detach()}

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """The discriminators' terms, on images of the pools."""
        pooled = {name: pool.exchange(images[name]) for name, pool in self.pools.items()}
        return discriminator_terms(self.adversarial, networks, batch, pooled["pred"], pooled["fake_low"])

    def state_dict(self) -> dict[str, list[Tensor]]:
        """Images of the pools by name, for the checkpoint."""
        return {name: list(pool.images) for name, pool in self.pools.items()}

    def load_state_dict(self, state: dict[str, list[Tensor]]) -> None:
        """Take the images of a checkpoint."""
        for name, pool in self.pools.items():
            pool.images = list(state[name])
