"""Keep the weights of the epoch with the best validation metric."""

import logging
import math
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from torch import nn

from monai_unsup_denoise.files import atomic_write

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class BestModel:
    """Save the state dictionary of ``network`` whenever ``metric`` is the best so far, also over a resume.

    Attach it to the evaluator; higher is better. Not Ignite's ``Checkpoint``: it deletes the old file before it writes
    the new one. In a distributed training the first process writes.
    """

    network: nn.Module
    path: str | Path
    _: KW_ONLY
    metric: str = "psnr"
    best: float = -math.inf

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        value = float(engine.state.metrics[self.metric])
        if not value > self.best:
            return
        self.best = value
        if idist.get_rank() == 0:
            # Into an open file: given a path, torch.save would store its random name, and equal models would differ.
            with atomic_write(Path(self.path)) as partial, partial.open("wb") as file:
                torch.save(self.network.state_dict(), file)
            logger.info("best %s so far, %.3f: saved %s", self.metric, value, self.path)

    def state_dict(self) -> dict[str, float]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.best = float(state["best"])
