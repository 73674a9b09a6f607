"""The same random numbers in an epoch, whether the training was interrupted before it or not."""

from __future__ import annotations

import torch.distributed as dist
from ignite.engine import Engine, Events
from ignite.utils import manual_seed


class EpochSeed:
    """Seed Python, NumPy and PyTorch from (seed, epoch, rank) at the start of each epoch, and tell the dataset.

    With it a training that is resumed at an epoch boundary goes on bit for bit as if it had never stopped.

    Args:
        seed: the run's seed.
        dataset: has ``set_epoch(epoch)``, as ``UnpairedDataset``.
    """

    def __init__(self, seed: int, dataset: object) -> None:
        self.seed = seed
        self.dataset = dataset

    def attach(self, engine: Engine) -> None:
        """Run at each epoch's start, before the first batch is drawn."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        manual_seed((self.seed * 10007 + engine.state.epoch) * 1009 + rank)
        self.dataset.set_epoch(engine.state.epoch)  # type: ignore[attr-defined]
