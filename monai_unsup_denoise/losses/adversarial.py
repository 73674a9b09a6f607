"""Adversarial losses of generators and discriminators, equations (3) and (5)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from monai_unsup_denoise.losses.objective import Images, Networks, Terms

AdversarialLoss = Callable[..., torch.Tensor]


def generator_loss(loss: AdversarialLoss, discriminator: nn.Module, fake: torch.Tensor) -> torch.Tensor:
    """The generator's loss: low where the discriminator takes ``fake`` for real.

    Args:
        loss: called as MONAI's ``PatchAdversarialLoss``.
        discriminator: returns a list of features, the last ones logits, as MONAI's ``PatchDiscriminator``.
        fake: generated images ``(B, C, *spatial)``.
    """
    return loss(discriminator(fake)[-1].float(), True, for_discriminator=False)


def discriminator_loss(
    loss: AdversarialLoss, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor
) -> torch.Tensor:
    """The discriminator's loss: low where it distinguishes ``real`` from ``fake``; the mean over both."""
    on_real = loss(discriminator(real)[-1].float(), True, for_discriminator=True)
    on_fake = loss(discriminator(fake)[-1].float(), False, for_discriminator=True)
    return 0.5 * (on_real + on_fake)


def discriminator_terms(
    loss: AdversarialLoss, networks: Networks, batch: Images, fake_high: torch.Tensor, fake_low: torch.Tensor
) -> Terms:
    """The discriminators' terms of (3), ``D_H`` on ``h`` and ``fakeh``, and of (5), ``D_L`` on ``l`` and ``fakel``.

    Args:
        loss: as in :func:`generator_loss`.
        networks: with ``discriminator_high`` and ``discriminator_low``.
        batch: with ``clean`` and ``noisy``.
        fake_high, fake_low: of the generator half-step, detached.
    """
    return {
        "discriminator_high": discriminator_loss(loss, networks["discriminator_high"], batch["clean"], fake_high),
        "discriminator_low": discriminator_loss(loss, networks["discriminator_low"], batch["noisy"], fake_low),
    }
