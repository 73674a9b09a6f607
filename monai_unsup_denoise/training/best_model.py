"""Keep the weights of the epoch with the best validation metric."""

import logging
import math
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import ignite.distributed as idist
from ignite.engine import Engine, Events
from torch import nn

from monai_unsup_denoise.files import check_writable
from monai_unsup_denoise.training.save_state import save_state

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
        """Save after each run of ``engine``.

        Raises:
            InputError: if nothing can be written at ``path``.
        """
        if idist.get_rank() == 0:
            check_writable(Path(self.path), overwrite=True)
        engine.add_event_handler(Events.COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        value = float(engine.state.metrics[self.metric])
        if not value > self.best:
            return
        self.best = value
        if idist.get_rank() == 0:
            save_state(self.network.state_dict(), Path(self.path))
            logger.info("best %s so far, %.3f: saved %s", self.metric, value, self.path)

    def written(self) -> Path | None:
        """The file, if this training, or the one that it resumes, has written it."""
        return Path(self.path) if self.best > -math.inf else None

    def state_dict(self) -> dict[str, float]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, float]) -> None:
        self.best = float(state["best"])
