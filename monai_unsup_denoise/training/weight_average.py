"""Exponential moving average of the weights."""

import torch
from ignite.engine import Engine, Events
from torch import nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


class WeightAverage(AveragedModel):
    """torch's ``AveragedModel`` as a handler: ``w_ema <- d w_ema + (1 - d) w`` after each iteration.

    ``d = min(decay, (1 + n) / (10 + n))`` after ``n`` iterations shortens the memory at the start; the first update
    copies. Not Ignite's ``EMAHandler``: no checkpoint has its place in the warm-up, so a resumed training would differ.

    Raises:
        ValueError: if ``decay`` is outside [0, 1).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be in [0, 1), got {decay}")

        def average(past: Tensors, present: Tensors, count: torch.Tensor | int) -> None:
            share = min((1 + float(count)) / (10 + float(count)), decay)
            torch._foreach_lerp_(past, present, 1 - share)

        super().__init__(network, multi_avg_fn=average, use_buffers=False)
        self.source = [network]  # in a list: a module's attribute would join the state dictionary

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.ITERATION_COMPLETED, lambda: self.update_parameters(self.source[0]))
