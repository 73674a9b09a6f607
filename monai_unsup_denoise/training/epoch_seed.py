"""The same random numbers in an epoch, whether or not the training was resumed before it."""

from __future__ import annotations

import torch.distributed as dist
from ignite.engine import Engine, Events
from ignite.utils import manual_seed

from monai_unsup_denoise.data.seeded_dataset import SeededDataset


class EpochSeed:
    """Seed Python, NumPy and PyTorch from (seed, epoch, rank) at the start of each epoch.

    A training that is resumed between two epochs then continues bit for bit. Ignite's ``DeterministicEngine`` does the
    same, but MONAI's ``Trainer`` is none.

    Args:
        seed: the run's seed.
        dataset: its draws depend on the epoch, which it is given.
    """

    def __init__(self, seed: int, dataset: SeededDataset) -> None:
        self.seed = seed
        self.dataset = dataset

    def attach(self, engine: Engine) -> None:
        """Run at each epoch's start, before the first batch is drawn."""
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
        manual_seed((self.seed * 10007 + engine.state.epoch) * 1009 + rank)
        self.dataset.set_epoch(engine.state.epoch)
