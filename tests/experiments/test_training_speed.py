"""The measurement of trainings: to which part time counts, and the operations of a step. No speed is compared."""

import time
from collections.abc import Iterator

import pytest
import torch

from experiments.training_speed import PARTS, TRAININGS
from experiments.training_speed_cell import flop_of_step, steps_between_validations, time_steps
from monai_unsup_denoise.training import UnpairedTrainer

_WAIT = 0.02
_LONG_WAIT = 0.5


class SlowLoader:
    """Three batches; the first one is late."""

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        for wait in (_LONG_WAIT, _WAIT, _WAIT):
            time.sleep(wait)
            yield {"noisy": torch.rand(2, 1, 16, 16), "clean": torch.rand(2, 1, 16, 16)}

    def __len__(self) -> int:
        return 3


class SlowObjective:
    """A squared error that takes its time."""

    weights = {"error": 1.0}

    def generator_step(self, networks, batch):
        time.sleep(2 * _WAIT)
        pred = networks["denoiser"](batch["noisy"])
        return {"error": (pred - batch["clean"]).square().mean()}, {"pred": pred.detach()}


@pytest.fixture
def trainer() -> UnpairedTrainer:
    networks = torch.nn.ModuleDict({"denoiser": torch.nn.Conv2d(1, 4, 3, padding=1)})
    optimizers = {"generator": torch.optim.SGD(networks.parameters(), lr=0.1)}
    return UnpairedTrainer("cpu", 1, SlowLoader(), networks=networks, optimizers=optimizers, objective=SlowObjective())


def test_seconds_count_to_their_part_after_the_warm_up(trainer: UnpairedTrainer) -> None:
    seconds = time_steps(trainer, warm_up=1, steps=2)
    parts = [seconds[f"{part}_seconds"] for part in PARTS]
    assert _WAIT <= seconds["loader_seconds"] < _LONG_WAIT / 2
    assert seconds["forward_seconds"] >= 2 * _WAIT
    assert seconds["seconds"] == pytest.approx(sum(parts))
    assert min(parts) > 0


def test_operations_are_those_of_both_passes(trainer: UnpairedTrainer) -> None:
    convolution = 2 * 2 * 16 * 16 * 4 * 9  # multiply and add, images, voxels, features, width
    assert flop_of_step(trainer, steps=2) == 2 * convolution  # the image needs no gradient


def test_schedule_is_that_of_the_config() -> None:
    assert steps_between_validations(TRAININGS["default"].configs) == 7 * 500
    assert steps_between_validations(TRAININGS["weights_2_large_patches"].configs) == 3 * 250
