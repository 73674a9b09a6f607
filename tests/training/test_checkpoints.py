"""Checkpoints: whole, the newest kept, and the one to resume from."""

import os
import subprocess
import sys

import pytest
import torch
from ignite.engine import Engine, Events

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training.checkpoints import EpochCheckpoint
from monai_unsup_denoise.training.find_checkpoint import find_checkpoint, newest_checkpoint

RUN_A, RUN_B = "20260101-120000-ffffff", "20260102-120000-000000"


def save(path, *, epoch):
    """A checkpoint as the trainer's: of five iterations an epoch."""
    path.parent.mkdir(exist_ok=True)
    torch.save({"trainer": {"epoch_length": 5, "max_epochs": 20, "iteration": 5 * epoch}}, path)
    return path


@pytest.fixture
def checkpoints(tmp_path):
    """Of two runs, the later one with fewer epochs; times of the files say nothing, as after a copy."""
    for age, (name, epoch) in enumerate(
        [(f"{RUN_B}/checkpoint_epoch=9.pt", 9), (f"{RUN_B}/checkpoint_epoch=10.pt", 10)]
    ):
        os.utime(save(tmp_path / name, epoch=epoch), (1000 - age, 1000 - age))
    save(tmp_path / RUN_A / "checkpoint_epoch=12.pt", epoch=12)
    (tmp_path / RUN_B / "model.pt").touch()
    save(tmp_path / RUN_B / ".partial_x" / "checkpoint_epoch=11.pt", epoch=11)
    return tmp_path


@pytest.mark.parametrize("which", ["latest", True, "True", "true"])
def test_latest_is_the_last_epoch_of_the_newest_run(checkpoints, which):
    assert find_checkpoint(checkpoints, which) == str(checkpoints / RUN_B / "checkpoint_epoch=10.pt")


def test_epoch_is_that_in_the_checkpoint_not_in_its_name(checkpoints):
    save(checkpoints / RUN_B / "checkpoint.pt", epoch=11)
    assert find_checkpoint(checkpoints) == str(checkpoints / RUN_B / "checkpoint.pt")


def test_run_with_a_name_of_its_own_counts_by_its_files(checkpoints):
    mine = save(checkpoints / "mine" / "checkpoint_epoch=1.pt", epoch=1)
    assert find_checkpoint(checkpoints) == str(mine)
    os.utime(mine, (1000, 1000))
    assert RUN_B in find_checkpoint(checkpoints)


@pytest.mark.parametrize("damage", [b"", b"half", "half", "bit"])
def test_damaged_checkpoints_are_passed_over_and_named(checkpoints, damage, caplog):
    caplog.set_level("INFO")
    newest = checkpoints / RUN_B / "checkpoint_epoch=10.pt"
    whole = newest.read_bytes()
    wrong_bit = whole.replace(b"max_epochs", b"max_epochz")  # still a pickle
    newest.write_bytes({"half": whole[:600], "bit": wrong_bit}.get(damage, damage))
    assert find_checkpoint(checkpoints) == str(checkpoints / RUN_B / "checkpoint_epoch=9.pt")
    assert caplog.messages[0].endswith("checkpoint_epoch=9.pt, epoch 9")
    assert caplog.messages[1] == f"passed over, since damaged: {newest}"
    (checkpoints / RUN_B / "checkpoint_epoch=9.pt").write_bytes(b"")
    assert RUN_A in find_checkpoint(checkpoints)


def test_only_damaged_checkpoints_are_an_error_of_one_line(tmp_path):
    for name in "ab":
        save(tmp_path / name / "checkpoint.pt", epoch=1).write_bytes(b"half")
    with pytest.raises(InputError, match=r"can be read \(.*/checkpoint\.pt, .*/checkpoint\.pt\); start without"):
        find_checkpoint(tmp_path)


def test_training_that_may_start_anew_needs_no_checkpoint(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    for stops, epochs in ((1, [1]), (3, [2, 3])):  # the second goes on where the first was stopped
        trainer, done = Engine(lambda *_: None), []
        EpochCheckpoint(tmp_path, "run", {"other": torch.nn.Linear(1, 1)}, resume="if_any").attach(trainer)
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda engine, done=done: done.append(engine.state.epoch))
        trainer.add_event_handler(Events.EPOCH_COMPLETED(once=stops), lambda engine: engine.terminate())
        trainer.run([0, 1], max_epochs=3)
        assert done == epochs


def test_path_is_taken_as_it_is(checkpoints):
    path = str(checkpoints / RUN_A / "checkpoint_epoch=12.pt")
    assert find_checkpoint("elsewhere", path) == path


def test_path_without_a_checkpoint_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match=r"--resume gone\.pt: no such checkpoint"):
        find_checkpoint(tmp_path, "gone.pt")
    torch.save(torch.nn.Linear(1, 1).state_dict(), tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt: not a checkpoint of a training"):
        find_checkpoint(tmp_path, str(tmp_path / "model.pt"))


def test_no_checkpoint_at_all_is_an_error_that_names_the_folder(tmp_path):
    (tmp_path / "model.pt").touch()
    with pytest.raises(InputError, match=f"no checkpoint below {tmp_path}"):
        find_checkpoint(tmp_path)


def test_death_while_writing_leaves_older_checkpoints_whole(tmp_path, monkeypatch):
    network, trainer = torch.nn.Linear(2, 2), Engine(lambda engine, batch: None)
    EpochCheckpoint(tmp_path, "run", {"network": network}).attach(trainer)
    trainer.run([0], max_epochs=2)

    def die_half_way(state, file):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch, "save", die_half_way)
        trainer.run([0], max_epochs=3)
    latest = torch.load(find_checkpoint(tmp_path), weights_only=True)
    assert latest["trainer"]["epoch_length"] == 1 and latest["trainer"]["iteration"] == 2
    torch.testing.assert_close(latest["network"]["weight"], network.weight.data)


def test_checkpoint_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Else a power failure leaves an empty file of that name."""
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, name=name, real=real: done.append(name) or real(*given))
    trainer = Engine(lambda engine, batch: None)
    EpochCheckpoint(tmp_path, "run", {"network": torch.nn.Linear(1, 1)}).attach(trainer)
    trainer.run([0], max_epochs=1)
    assert done[:2] == ["fsync", "replace"]


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    trainer = Engine(lambda engine, batch: None)
    EpochCheckpoint(tmp_path, "run", {"network": torch.nn.Linear(1, 1)}, kept=2).attach(trainer)
    trainer.run([0], max_epochs=4)
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "checkpoint_epoch=3.pt",
        "checkpoint_epoch=4.pt",
    ]


def training(folder, weight, run_name, *, step=lambda engine, batch: None, features=1, **settings):
    network, trainer = torch.nn.Linear(features, 1), Engine(step)
    network.weight.data.fill_(weight)
    optimizers = {"generator": torch.optim.SGD(network.parameters(), lr=weight)}
    objects = {"network": network, "optimizers": optimizers, "tracker": None, "objective": object()}
    EpochCheckpoint(folder, run_name, objects, **settings).attach(trainer)
    return network, optimizers["generator"], trainer


@pytest.fixture
def stopped(tmp_path):
    """The folder of a training that died in the third of its four epochs, of two iterations each."""

    def step(engine, batch):
        if engine.state.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training(tmp_path, 0.5, "first", step=step)[-1].run([0, 1], max_epochs=4)
    return tmp_path


def test_resumed_trainer_takes_all_state_and_runs_the_rest(stopped):
    network, optimizer, trainer = training(stopped, 0.9, "second", resume=True)
    trainer.run([0, 1], max_epochs=4)
    assert network.weight.item() == optimizer.param_groups[0]["lr"] == 0.5
    assert trainer.state.iteration == 8
    assert [path.name for path in (stopped / "second").iterdir()] == ["checkpoint_epoch=3.pt", "checkpoint_epoch=4.pt"]


@pytest.mark.parametrize("epochs", [1, 5])
def test_resume_to_another_length_is_an_error(stopped, epochs):
    trainer = training(stopped, 0.9, "second", resume=True)[-1]
    with pytest.raises(InputError, match="has 2 epochs of 4, .* give max_epochs=4"):
        trainer.run([0, 1], max_epochs=epochs)


def test_checkpoint_of_another_network_is_an_error(stopped):
    trainer = training(stopped, 0.9, "second", features=3, resume=True)[-1]
    with pytest.raises(InputError, match="a checkpoint of a training with other settings"):
        trainer.run([0, 1], max_epochs=4)


HOLD = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]).acquire(5); print('holds', flush=True); input()"


def test_second_training_in_a_folder_is_refused_until_the_end(tmp_path):
    (tmp_path / ".training.lock").touch()

    def other_training() -> subprocess.Popen:
        command = [sys.executable, "-c", HOLD, tmp_path / ".training.lock"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "holds\n"
        return process

    with other_training() as other:
        with pytest.raises(InputError, match=f"{tmp_path}: another training writes here; wait for it"):
            training(tmp_path, 0.5, "second")
        other.kill()
    trainer = training(tmp_path, 0.5, "second")[-1]
    trainer.run([0], max_epochs=1)
    with other_training() as other:
        other.kill()
