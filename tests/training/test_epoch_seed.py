"""The same random numbers in an epoch, interrupted before it or not."""

import random

import numpy as np
import pytest
import torch
from ignite.engine import Engine

from monai_unsup_denoise.training.epoch_seed import EpochSeed


class Epochs:
    def __init__(self):
        self.epochs = []

    def set_epoch(self, epoch):
        self.epochs.append(epoch)


def numbers(seed, epochs, *, resume_at=0):
    """What each library draws in each epoch, and the epochs the dataset was given."""
    drawn, dataset = [], Epochs()

    def step(engine, batch):
        drawn.append((engine.state.epoch, random.random(), np.random.rand(), torch.rand(1).item()))

    engine = Engine(step)
    EpochSeed(seed, dataset).attach(engine)
    if resume_at:
        engine.load_state_dict({"epoch_length": 2, "max_epochs": epochs, "epoch": resume_at})
    engine.run(range(2), max_epochs=epochs, epoch_length=2)
    return drawn, dataset.epochs


def test_a_resumed_epoch_draws_the_same_numbers():
    whole, given = numbers(3, 4)
    torch.manual_seed(99)
    resumed, given_after = numbers(3, 4, resume_at=2)
    assert resumed == whole[4:]
    assert (given, given_after) == ([1, 2, 3, 4], [3, 4])


def test_epochs_iterations_and_seeds_differ_from_each_other():
    drawn = numbers(3, 4)[0] + numbers(4, 4)[0]
    for library in (1, 2, 3):
        assert len({draw[library] for draw in drawn}) == len(drawn)


@pytest.mark.parametrize("rank", [0, 1])
def test_every_process_has_numbers_of_its_own(monkeypatch, rank):
    alone, _ = numbers(3, 1)
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: rank)
    with_rank, _ = numbers(3, 1)
    assert (with_rank == alone) is (rank == 0)
