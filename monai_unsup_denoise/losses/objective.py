"""What every training method is: two half-steps, each returning named scalar terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import nn

Networks = Mapping[str, nn.Module]
Terms = dict[str, torch.Tensor]
Images = dict[str, torch.Tensor]


class Objective(Protocol):
    """A training method. The trainer knows no more of it than this.

    ``weights`` has one number for each term; a half-step's loss is the weighted sum of its terms.
    """

    weights: Mapping[str, float]

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Terms that encoders and generators minimise, and the images made, ``pred`` among them."""

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """Terms that the discriminators minimise, given the images of the generator half-step. May be empty."""


def check_weights(weights: Mapping[str, float], terms: Iterable[str]) -> dict[str, float]:
    """The weights as a dictionary, after checking that they name just ``terms``.

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
