"""Keep the weights of the epoch with the best validation metric."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_unsup_denoise.files import atomic_write

logger = logging.getLogger(__name__)


class BestModel:
    """Save a network's weights whenever its validation metric is the best so far, also over a resume.

    Not Ignite's ``Checkpoint``: it deletes the old file before it writes the new one. In a
    distributed training the first process writes.

    Args:
        network: its state dictionary is saved.
        path: the file, replaced as a whole; its folder is made.
        metric: name in ``evaluator.state.metrics``; higher is better.
    """

    def __init__(self, network: nn.Module, path: str | Path, *, metric: str = "psnr") -> None:
        self.network = network
        self.path = Path(path)
        self.metric = metric
        self.best = -math.inf

    def attach(self, engine: Engine) -> None:
        """Compare after each run of the evaluator ``engine``."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        value = float(engine.state.metrics[self.metric])
        if not value > self.best:
            return
        self.best = value
        if idist.get_rank() == 0:
            self._save()
            logger.info("best %s so far, %.3f: saved %s", self.metric, value, self.path)

    def _save(self) -> None:
        # Into an open file: given a path, torch.save would store its random name, and equal models would differ.
        with atomic_write(self.path) as partial, partial.open("wb") as file:
            torch.save(self.network.state_dict(), file)

    def state_dict(self) -> dict[str, float]:
        """The best value so far, for the checkpoint."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the best value from a checkpoint."""
        self.best = float(state["best"])
