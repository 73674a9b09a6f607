"""The two sides of an adversarial loss, equations (3) and (5)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

AdversarialLoss = Callable[..., torch.Tensor]


def fooled(loss: AdversarialLoss, discriminator: nn.Module, fake: torch.Tensor) -> torch.Tensor:
    """What the generator minimises: the loss of ``fake`` being taken for real.

    Args:
        loss: called as MONAI's ``PatchAdversarialLoss``.
        discriminator: returns a list of features whose last entry are the logits, as MONAI's ``PatchDiscriminator``.
        fake: generated images ``(B, C, *spatial)``.
    """
    return loss(discriminator(fake)[-1].float(), True, for_discriminator=False)


def told_apart(loss: AdversarialLoss, discriminator: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """What the discriminator minimises: the mean loss of ``real`` taken for fake and of ``fake`` taken for real."""
    on_real = loss(discriminator(real)[-1].float(), True, for_discriminator=True)
    on_fake = loss(discriminator(fake)[-1].float(), False, for_discriminator=True)
    return 0.5 * (on_real + on_fake)
