"""Checkpoints: whole, the newest kept, and the one to resume from."""

import os

import pytest
import torch
from ignite.engine import Engine

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training.checkpoints import EpochCheckpoint, find_checkpoint


@pytest.fixture
def checkpoints(tmp_path):
    """Checkpoints of two runs; by name the first is the last, by time the second."""
    for age, name in enumerate(["run_a/checkpoint_epoch=2.pt", "run_b/checkpoint_epoch=10.pt", "run_z/checkpoint.pt"]):
        path = tmp_path / name
        path.parent.mkdir()
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    (tmp_path / "run_a" / "model.pt").touch()
    return tmp_path


@pytest.mark.parametrize("which", ["latest", True, "True", "true"])
def test_the_latest_is_the_newest_in_any_sub_folder(checkpoints, which):
    assert find_checkpoint(checkpoints, which) == str(checkpoints / "run_a" / "checkpoint_epoch=2.pt")


def test_a_path_is_taken_as_it_is(checkpoints):
    path = str(checkpoints / "run_z" / "checkpoint.pt")
    assert find_checkpoint("elsewhere", path) == path


def test_a_path_without_a_file_is_an_error_that_names_it(checkpoints):
    with pytest.raises(InputError, match=r"--resume gone\.pt: no such checkpoint"):
        find_checkpoint(checkpoints, "gone.pt")


def test_no_checkpoint_at_all_is_an_error_that_names_the_folder(tmp_path):
    (tmp_path / "model.pt").touch()
    with pytest.raises(InputError, match=f"no checkpoint below {tmp_path}"):
        find_checkpoint(tmp_path)


def test_a_death_while_writing_leaves_older_checkpoints_whole(tmp_path, monkeypatch):
    network, trainer = torch.nn.Linear(2, 2), Engine(lambda engine, batch: None)
    EpochCheckpoint(tmp_path, "run", {"network": network}).attach(trainer)
    trainer.run([0], max_epochs=2)

    def die_half_way(state, file):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("ignite.handlers.checkpoint.torch.save", die_half_way)
    with pytest.raises(KeyboardInterrupt):
        trainer.run([0], max_epochs=3)
    latest = torch.load(find_checkpoint(tmp_path), weights_only=True)
    assert latest["trainer"]["epoch_length"] == 1 and latest["trainer"]["iteration"] == 2
    torch.testing.assert_close(latest["network"]["weight"], network.weight.data)


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    trainer = Engine(lambda engine, batch: None)
    EpochCheckpoint(tmp_path, "run", {"network": torch.nn.Linear(1, 1)}, kept=2).attach(trainer)
    trainer.run([0], max_epochs=4)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "checkpoint_epoch=3.pt",
        "checkpoint_epoch=4.pt",
    ]


def test_a_resumed_trainer_takes_all_state_and_runs_the_rest(tmp_path):
    def training(weight, run_name, **settings):
        network, trainer = torch.nn.Linear(1, 1), Engine(lambda engine, batch: None)
        network.weight.data.fill_(weight)
        optimizers = {"generator": torch.optim.SGD(network.parameters(), lr=weight)}
        objects = {"network": network, "optimizers": optimizers, "tracker": None, "objective": object()}
        EpochCheckpoint(tmp_path, run_name, objects, **settings).attach(trainer)
        return network, optimizers["generator"], trainer

    training(0.5, "first")[-1].run([0, 1], max_epochs=2)
    network, optimizer, trainer = training(0.9, "second", resume=True)
    trainer.run([0, 1], max_epochs=3)
    assert network.weight.item() == optimizer.param_groups[0]["lr"] == 0.5
    assert trainer.state.iteration == 6
    assert [path.name for path in (tmp_path / "second").iterdir()] == ["checkpoint_epoch=3.pt"]
