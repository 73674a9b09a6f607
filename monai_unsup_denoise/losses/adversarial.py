"""Adversarial losses of generators and discriminators, equations (3) and (5)."""

from collections.abc import Callable

from torch import Tensor, nn

from monai_unsup_denoise.losses.objective import Images, Networks, Terms

AdversarialLoss = Callable[..., Tensor]


def generator_loss(loss: AdversarialLoss, discriminator: nn.Module, fake: Tensor) -> Tensor:
    """The generator's loss: low where the discriminator takes ``fake`` for real.

    Args:
        loss: called as MONAI's ``PatchAdversarialLoss``.
        discriminator: returns a list of features, the last ones logits, as MONAI's ``PatchDiscriminator``.
        fake: generated images ``(B, C, *spatial)``.
    """
    return loss(discriminator(fake)[-1].float(), True, for_discriminator=False)


def discriminator_loss(loss: AdversarialLoss, discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss: low where it distinguishes ``real`` from ``fake``; the mean over both."""
    on_real = loss(discriminator(real)[-1].float(), True, for_discriminator=True)
    on_fake = loss(discriminator(fake)[-1].float(), False, for_discriminator=True)
    return 0.5 * (on_real + on_fake)


def discriminator_terms(
    loss: AdversarialLoss, networks: Networks, batch: Images, fake_high: Tensor, fake_low: Tensor
) -> Terms:
    """The discriminators' terms of (3), ``D_H`` on ``h`` and ``fakeh``, and of (5), ``D_L`` on ``l`` and ``fakel``.

    ``fake_high`` and ``fake_low`` are those of the generator half-step, detached.
    """
    return {
        "discriminator_high": discriminator_loss(loss, networks["discriminator_high"], batch["clean"], fake_high),
        "discriminator_low": discriminator_loss(loss, networks["discriminator_low"], batch["noisy"], fake_low),
    }
