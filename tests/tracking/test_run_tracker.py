"""What a run in MLflow holds, and how it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine, Events

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training.best_model import BestModel
from tests.tracking.conftest import interrupted, training, values


def test_run_has_parameters_and_metrics(make_tracker, client):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizers = {
        "generator": torch.optim.SGD([parameter], lr=0.5),
        "discriminator": torch.optim.SGD([parameter], lr=0.25),
    }
    evaluator = Engine(lambda *_: None)
    tracker = make_tracker(parameters={"seed": 3, "patch_size": [80, 80]}, optimizers=optimizers, evaluator=evaluator)
    trainer = training()
    tracker.attach(trainer)

    @trainer.on(Events.ITERATION_COMPLETED)
    def lower():
        optimizers["generator"].param_groups[0]["lr"] /= 2

    @trainer.on(Events.EPOCH_COMPLETED)
    def validate():
        evaluator.run(range(1))
        evaluator.state.metrics = {}

    @evaluator.on(Events.ITERATION_COMPLETED)
    def measure():
        evaluator.state.metrics = {"psnr": 20.0 + trainer.state.epoch, "psnr_05": 30.0}

    trainer.run(range(2), max_epochs=2)

    run = client.get_run(tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "3", "patch_size": "[80, 80]", "max_epochs": "2", "epoch_length": "2"}
    history = {name: values(client, tracker, name) for name in run.data.metrics}
    assert history == {
        "train/loss": [(i, pytest.approx(1 / i)) for i in (1, 2, 3, 4)],
        "train/cycle": [(i, pytest.approx(2 / i)) for i in (1, 2, 3, 4)],
        "lr/generator": [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.0625)],
        "lr/discriminator": [(i, 0.25) for i in (1, 2, 3, 4)],
        "val/psnr": [(2, 21.0), (4, 22.0)],
        "val/psnr_05": [(2, 30.0), (4, 30.0)],
    }


def test_losses_are_logged_at_the_interval(make_tracker, client):
    tracker = make_tracker()
    tracker.interval = 3
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(7))
    assert [step for step, _ in values(client, tracker, "train/loss")] == [3, 6]


def test_terms_of_the_real_trainer_are_logged(make_tracker, client, make_trainer):
    trainer = make_trainer()
    tracker = make_tracker(optimizers=trainer.optimizers)
    tracker.attach(trainer)
    trainer.run()
    logged = client.get_run(tracker.run_id).data.metrics
    assert set(logged) == {"train/loss", "train/fit", "train/decoy", "train/judge", "lr/generator", "lr/discriminator"}
    assert logged["train/judge"] == pytest.approx(float(trainer.state.output[0]["judge"]))


def test_weights_become_an_artifact_at_the_end(make_tracker, client, tmp_path):
    tracker = make_tracker(weights=lambda: tmp_path / "model.pt")
    trainer = training()
    tracker.attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: (tmp_path / "model.pt").write_text("weights"))
    trainer.run(range(1))
    assert {file.path for file in client.list_artifacts(tracker.run_id)} == {"model.pt"}


@pytest.mark.parametrize(
    "error, status, tag",
    [
        (FloatingPointError("loss is not finite"), "FAILED", "FloatingPointError: loss is not finite"),
        (InputError("Jane/scan.nii: damaged"), "FAILED", "InputError: see the output of the training"),
        (KeyboardInterrupt("by Jane"), "KILLED", "KeyboardInterrupt: see the output of the training"),
        (KeyboardInterrupt("SIGTERM"), "KILLED", "KeyboardInterrupt: SIGTERM"),
    ],
)
def test_error_marks_the_run_and_is_raised_again(make_tracker, client, error, status, tag):
    tracker = make_tracker()
    trainer = training(interrupted(error, at=3))
    tracker.attach(trainer)
    with pytest.raises(type(error), match=str(error)) as caught:
        trainer.run(range(5))
    assert caught.value is error
    run = client.get_run(tracker.run_id)
    assert run.info.status == status
    assert run.info.end_time is not None
    assert run.data.tags["error"] == tag
    assert [step for step, _ in values(client, tracker, "train/loss")] == [1, 2]


def test_error_before_the_run_is_raised(make_tracker):
    tracker = make_tracker()
    trainer = training()
    trainer.add_event_handler(Events.STARTED, lambda: 1 / 0)
    tracker.attach(trainer)
    with pytest.raises(ZeroDivisionError):
        trainer.run(range(1))
    assert not tracker.run_id


def test_resumed_training_continues_its_run(make_tracker, client):
    killed = make_tracker(parameters={"seed": 3})
    trainer = training(interrupted(KeyboardInterrupt(), at=4))
    killed.attach(trainer)
    with pytest.raises(KeyboardInterrupt):
        trainer.run(range(2), max_epochs=3)

    resumed = make_tracker(parameters={"seed": 3})
    resumed.load_state_dict(killed.state_dict())
    trainer = training()
    trainer.load_state_dict({"epoch_length": 2, "max_epochs": 3, "epoch": 1})
    resumed.attach(trainer)
    during = []
    trainer.add_event_handler(Events.EPOCH_STARTED, lambda: during.append(client.get_run(killed.run_id).info.status))
    trainer.run(range(2), max_epochs=3)

    assert resumed.run_id == killed.run_id
    assert during == ["RUNNING", "RUNNING"]
    assert client.get_run(killed.run_id).info.status == "FINISHED"
    assert [step for step, _ in values(client, killed, "train/loss")] == [1, 2, 3, 3, 4, 5, 6]


def test_new_run_does_not_join_a_crashed_one(make_tracker):
    trackers = [make_tracker(run_name="twice") for _ in range(2)]
    for tracker in trackers:
        trainer = training(interrupted(ValueError("crash"), at=1))
        tracker.attach(trainer)
        with pytest.raises(ValueError, match="crash"):
            trainer.run(range(1))
    assert trackers[0].run_id != trackers[1].run_id


def test_misfit_weights_do_not_lose_the_run(make_tracker, client, caplog, tmp_path):
    weights = tmp_path / "model.pt"
    tracker = make_tracker(weights=lambda: weights, registered_model="misfit")
    trainer = training()
    tracker.attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: torch.save({"other": torch.zeros(1)}, weights))
    trainer.run(range(1))
    assert client.get_run(tracker.run_id).info.status == "FINISHED"
    assert client.search_registered_models("name='misfit'") == []
    assert "the registered model (" in caplog.text and "weights of another network" in caplog.text


def test_older_weights_are_neither_uploaded_nor_registered(make_tracker, client, caplog, tmp_path):
    """Whatever their time says: the clock of a file server may differ."""
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"of another training")
    best = BestModel(torch.nn.Linear(1, 1), weights)
    tracker = make_tracker(weights=best.written, registered_model="older")
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(1))
    assert client.list_artifacts(tracker.run_id) == []
    assert client.search_registered_models("name='older'") == []
    assert not [record for record in caplog.records if record.name.startswith("monai_unsup_denoise")]


def test_new_weights_are_uploaded_whatever_their_time(make_tracker, client, tmp_path):
    best = BestModel(torch.nn.Linear(1, 1), tmp_path / "model.pt")
    evaluator = Engine(lambda *_: None)
    best.attach(evaluator)
    tracker = make_tracker(weights=best.written)
    trainer = training()
    tracker.attach(trainer)

    @trainer.on(Events.EPOCH_COMPLETED)
    def validate():
        evaluator.state.metrics = {"psnr": 20.0}
        evaluator.fire_event(Events.COMPLETED)
        os.utime(tmp_path / "model.pt", (0, 0))

    trainer.run(range(1))
    assert [file.path for file in client.list_artifacts(tracker.run_id)] == ["model.pt"]


def test_run_names_its_program_but_no_user_or_path(make_tracker, client, repository):
    tracker = make_tracker(tags={"objective": "Ours"}, config={"seed": 3})
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(1))
    tags = client.get_run(tracker.run_id).data.tags
    assert tags["objective"] == "Ours" and tags["package_version"] and tags["mlflow.user"] == "not recorded"
    assert not any(str(Path.home()) in value or str(repository) in value for value in tags.values())
    assert "config.json" in {file.path for file in client.list_artifacts(tracker.run_id)}
