"""Keep the weights of the epoch with the best validation metric."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

import torch
from ignite.engine import Engine, Events
from torch import nn

logger = logging.getLogger(__name__)


class BestModel:
    """Save a network when the validation metric is the best so far.

    MONAI's ``CheckpointSaver`` does that within one run; this one also keeps its record in the checkpoint, so a resumed
    run never replaces a better model with a worse one.

    Args:
        network: whose state dictionary is saved.
        path: the file; its folder is made. Written beside and renamed, never left half-written.
        metric: name in ``evaluator.state.metrics``; higher is better.
    """

    def __init__(self, network: nn.Module, path: str | Path, *, metric: str = "psnr") -> None:
        self.network = network
        self.path = Path(path)
        self.metric = metric
        self.best = -math.inf

    def attach(self, engine: Engine) -> None:
        """Look at the metric whenever the evaluator ``engine`` has completed."""
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        value = float(engine.state.metrics[self.metric])
        if not value > self.best:
            return
        self.best = value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A fixed name: torch.save writes it into the file, and a random one would make equal models differ.
        beside = self.path.with_name(self.path.name + ".part")
        torch.save(self.network.state_dict(), beside)
        os.replace(beside, self.path)
        logger.info("best %s so far, %.3f: saved %s", self.metric, value, self.path)

    def state_dict(self) -> dict[str, float]:
        """The record to beat, for the checkpoint."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Take the record from a checkpoint."""
        self.best = float(state["best"])
