"""Exponential moving average of the weights."""

from __future__ import annotations

import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.swa_utils import AveragedModel


class WeightAverage(AveragedModel):
    """Average of a network's weights over the training, an Ignite handler and a network in one.

    ``w_ema <- d w_ema + (1 - d) w`` after each iteration, with ``d = min(decay, (1 + n) / (10 + n))`` after ``n``
    iterations, so that the start does not linger; the first update copies the weights.

    Args:
        network: the network that is trained.
        decay: weight of the past, 0 to 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")

        def average(past: torch.Tensor, present: torch.Tensor, count: torch.Tensor | int) -> torch.Tensor:
            kept = min((1 + float(count)) / (10 + float(count)), decay)
            return torch.lerp(present, past, kept)

        super().__init__(network, avg_fn=average, use_buffers=False)
        self.source = [network]  # in a list, or its weights would be in the state dictionary twice

    def attach(self, engine: Engine) -> None:
        """Update after every iteration of ``engine``."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, lambda: self.update_parameters(self.source[0]))
