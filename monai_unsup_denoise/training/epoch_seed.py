"""The same random numbers in an epoch, whether or not the training was resumed before it."""

from dataclasses import dataclass

import ignite.distributed as idist
from ignite.engine import Engine, Events
from ignite.utils import manual_seed

from monai_unsup_denoise.data.seeded_dataset import SeededDataset


@dataclass(eq=False)
class EpochSeed:
    """Seed Python, NumPy and PyTorch from (seed, epoch, rank) at the start of each epoch; give the dataset the epoch.

    A training that is resumed between two epochs then continues bit for bit. Ignite's ``DeterministicEngine`` does the
    same, but MONAI's ``Trainer`` is none.
    """

    seed: int
    dataset: SeededDataset

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.EPOCH_STARTED, self)

    def __call__(self, engine: Engine) -> None:
        manual_seed((self.seed * 10007 + engine.state.epoch) * 1009 + idist.get_rank())
        self.dataset.set_epoch(engine.state.epoch)
