"""Runs in MLflow: what is logged, and how a run ends."""

import os
import socket
import time
import uuid
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine, Events
from mlflow.tracking import MlflowClient
from monai.utils import path_to_sqlite_uri

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking.run_tracker import RunTracker
from monai_unsup_denoise.tracking.server import check_tracking_server


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One SQLite store for all: to create it takes ten seconds."""
    return path_to_sqlite_uri(str(tmp_path_factory.mktemp("mlflow") / "mlruns.db"))


@pytest.fixture
def make_tracker(store):
    """Makes a tracker of a run with a name of its own."""

    def make(**given):
        return RunTracker(store, experiment_name="tests", run_name=uuid.uuid4().hex, interval=1, **given)

    return make


@pytest.fixture
def client(store):
    return MlflowClient(store)


@pytest.fixture
def nobody():
    """The address of a server that is down."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def values(client, tracker, name):
    """Steps and values of a metric, in the order of the steps."""
    return sorted((m.step, m.value) for m in client.get_metric_history(tracker.run_id, name))


def training(loss=lambda iteration: 1 / iteration):
    """An engine whose output is as the trainer's: a list of items with scalars and images."""

    def step(engine, batch):
        value = torch.tensor(loss(engine.state.iteration))
        return [{"loss": value, "cycle": 2 * value, "image": torch.rand(1, 4, 4), "pred": torch.rand(1, 4, 4)}] * 2

    return Engine(step)


def interrupted(error, at):
    def loss(iteration):
        if iteration == at:
            raise error
        return 1 / iteration

    return loss


def test_parameters_losses_learning_rates_and_validation_metrics_are_logged(make_tracker, client):
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


def test_losses_are_logged_every_so_many_iterations(make_tracker, client):
    tracker = make_tracker()
    tracker.interval = 3
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(7))
    assert [step for step, _ in values(client, tracker, "train/loss")] == [3, 6]


def test_the_terms_of_the_real_trainer_are_logged(make_tracker, client, make_trainer):
    trainer = make_trainer()
    tracker = make_tracker(optimizers=trainer.optimizers)
    tracker.attach(trainer)
    trainer.run()
    logged = client.get_run(tracker.run_id).data.metrics
    assert set(logged) == {"train/loss", "train/fit", "train/decoy", "train/judge", "lr/generator", "lr/discriminator"}
    assert logged["train/judge"] == pytest.approx(float(trainer.state.output[0]["judge"]))


def test_files_and_folders_become_artifacts_at_the_end_and_missing_ones_are_passed_over(make_tracker, client, tmp_path):
    (tmp_path / "pictures").mkdir()
    model, picture = tmp_path / "model.pt", tmp_path / "pictures" / "epoch_001.png"
    tracker = make_tracker(artifacts=[str(model), str(tmp_path / "pictures"), None, str(tmp_path / "gone.json")])
    trainer = training()
    tracker.attach(trainer)

    @trainer.on(Events.EPOCH_COMPLETED)
    def write():
        model.write_text("weights")
        picture.write_text("picture")

    trainer.run(range(1))
    assert {file.path for file in client.list_artifacts(tracker.run_id)} == {"model.pt", "epoch_001.png"}


@pytest.mark.parametrize(
    "error, status, tag",
    [
        (FloatingPointError("loss is not finite"), "FAILED", "FloatingPointError: loss is not finite"),
        (InputError("Jane/scan.nii: damaged"), "FAILED", "InputError: the training's own output says more"),
        (KeyboardInterrupt("by Jane"), "KILLED", "KeyboardInterrupt: the training's own output says more"),
    ],
)
def test_a_training_that_raises_is_marked_and_the_error_goes_on(make_tracker, client, error, status, tag):
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


def test_an_error_before_the_run_is_open_is_not_hidden(make_tracker):
    tracker = make_tracker()
    trainer = training()
    trainer.add_event_handler(Events.STARTED, lambda: 1 / 0)
    tracker.attach(trainer)
    with pytest.raises(ZeroDivisionError):
        trainer.run(range(1))
    assert tracker.run_id is None


def test_a_resumed_training_goes_on_in_its_own_run(make_tracker, client):
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


def test_a_crashed_run_is_left_alone_by_the_next_of_the_same_name(store):
    trackers = [RunTracker(store, experiment_name="tests", run_name="twice", interval=1) for _ in range(2)]
    for tracker in trackers:
        trainer = training(interrupted(ValueError("crash"), at=1))
        tracker.attach(trainer)
        with pytest.raises(ValueError, match="crash"):
            trainer.run(range(1))
    assert trackers[0].run_id != trackers[1].run_id


def test_a_server_that_goes_away_and_comes_back_gets_everything_and_the_training_says_so_once(
    make_tracker, client, monkeypatch, caplog, nobody
):
    monkeypatch.setattr("monai_unsup_denoise.tracking.run_tracker.PAUSE", 0.0)
    tracker = make_tracker()
    trainer = training()
    tracker.attach(trainer)

    @trainer.on(Events.ITERATION_COMPLETED)
    def come_and_go():
        if trainer.state.iteration in (2, 5):
            tracker.client = MlflowClient(nobody) if trainer.state.iteration == 2 else client

    trainer.run(range(6))
    assert [step for step, _ in values(client, tracker, "train/loss")] == [1, 2, 3, 4, 5, 6]
    assert client.get_run(tracker.run_id).info.status == "FINISHED"
    (said,) = [record.message for record in caplog.records if "MLflow" in record.message]
    assert said.startswith("MLflow does not answer (connection refused): the training goes on")


def test_a_server_that_stays_away_is_left_alone_for_a_minute_and_at_the_end_it_is_said_what_it_lacks(
    make_tracker, client, caplog, nobody, tmp_path
):
    tracker = make_tracker(weights=tmp_path / "model.pt", registered_model="never")
    trainer = training(interrupted(FloatingPointError("not finite"), at=50))
    tracker.attach(trainer)

    tries = []

    @trainer.on(Events.ITERATION_COMPLETED(once=2))
    def go_away():
        tracker.client = MlflowClient(nobody)
        log = tracker.client.log_batch
        tracker.client.log_batch = lambda *given, **named: tries.append(1) or log(*given, **named)

    start = time.monotonic()
    with pytest.raises(FloatingPointError):
        trainer.run(range(60))
    assert time.monotonic() - start < 15
    assert len(tries) == 2, "when it went away, and at the end"
    assert "lacks of run" in caplog.text and "94 values" in caplog.text and "its end as FAILED" in caplog.text
    assert client.get_run(tracker.run_id).info.status == "RUNNING"


def test_a_server_that_accepts_and_never_answers_is_given_up_within_seconds(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(InputError, match="no MLflow server answers there .no answer in time.; start it"):
            check_tracking_server(f"http://jane:secret@127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - start < 10


def test_a_server_that_is_down_is_one_line_without_the_password(nobody):
    with pytest.raises(InputError) as caught:
        RunTracker(nobody.replace("//", "//jane:secret@"), experiment_name="tests", run_name="none")
    assert "connection refused" in str(caught.value)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_weights_that_do_not_fit_are_not_registered_and_do_not_lose_the_run(make_tracker, client, caplog, tmp_path):
    weights = tmp_path / "model.pt"
    tracker = make_tracker(weights=weights, registered_model="misfit")
    trainer = training()
    tracker.attach(trainer)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: torch.save({"other": torch.zeros(1)}, weights))
    trainer.run(range(1))
    assert client.get_run(tracker.run_id).info.status == "FINISHED"
    assert client.search_registered_models("name='misfit'") == []
    assert "the registered model (" in caplog.text and "weights of another network" in caplog.text


def test_weights_of_an_older_training_are_neither_uploaded_nor_registered(make_tracker, client, caplog, tmp_path):
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"older")
    os.utime(weights, (0, 0))
    tracker = make_tracker(weights=weights, registered_model="older")
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(1))
    assert client.list_artifacts(tracker.run_id) == []
    assert client.search_registered_models("name='older'") == []
    assert "lacks" not in caplog.text


def test_a_run_tells_its_program_and_neither_user_nor_place(make_tracker, client, repository):
    tracker = make_tracker(tags={"objective": "Ours"}, config={"seed": 3})
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(1))
    tags = client.get_run(tracker.run_id).data.tags
    assert tags["objective"] == "Ours" and tags["package_version"] and tags["mlflow.user"] == "not recorded"
    assert not any(str(Path.home()) in value or str(repository) in value for value in tags.values())
    assert "config.json" in {file.path for file in client.list_artifacts(tracker.run_id)}
