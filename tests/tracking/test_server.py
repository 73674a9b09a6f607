"""A server that is unreachable, at the start of a training or later."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import pytest
from ignite.engine import Events
from mlflow import MlflowClient

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking import RunTracker, check_tracking_server
from tests.tracking.conftest import interrupted, training, values


def test_returning_server_gets_everything(make_tracker, client, monkeypatch, caplog, unreachable):
    monkeypatch.setattr("monai_unsup_denoise.tracking.run_tracker._PAUSE", 0.0)
    tracker = make_tracker()
    trainer = training()
    tracker.attach(trainer)

    @trainer.on(Events.ITERATION_COMPLETED)
    def come_and_go():
        if trainer.state.iteration in (2, 5):
            tracker.client = MlflowClient(unreachable) if trainer.state.iteration == 2 else client

    trainer.run(range(6))
    assert [step for step, _ in values(client, tracker, "train/loss")] == [1, 2, 3, 4, 5, 6]
    assert client.get_run(tracker.run_id).info.status == "FINISHED"
    (said,) = [record.message for record in caplog.records if "MLflow" in record.message]
    assert said.startswith("MLflow does not answer (connection refused): the training continues")


def test_missing_server_is_asked_twice_and_reported(make_tracker, client, caplog, unreachable, tmp_path):
    tracker = make_tracker(weights=lambda: tmp_path / "model.pt", registered_model="never")
    trainer = training(interrupted(FloatingPointError("not finite"), at=50))
    tracker.attach(trainer)

    tries = []

    @trainer.on(Events.ITERATION_COMPLETED(once=2))
    def go_away():
        tracker.client = MlflowClient(unreachable)
        log = tracker.client.log_batch
        tracker.client.log_batch = lambda *given, **named: tries.append(1) or log(*given, **named)

    start = time.monotonic()
    with pytest.raises(FloatingPointError):
        trainer.run(range(60))
    assert time.monotonic() - start < 15
    assert len(tries) == 2, "when it went away, and at the end"
    assert f"run {tracker.run_name} lacks: 94 values" in caplog.text and "its end as FAILED" in caplog.text
    assert client.get_run(tracker.run_id).info.status == "RUNNING"


def test_silent_server_is_given_up_within_seconds(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        start = time.monotonic()
        with pytest.raises(InputError, match="no MLflow server answers there .no answer in time.; start it"):
            check_tracking_server(f"http://jane:secret@127.0.0.1:{silent.getsockname()[1]}")
        assert time.monotonic() - start < 10


def test_address_mlflow_does_not_track_to_is_an_error():
    with pytest.raises(InputError, match=r"^tracking_uri s3://b/x: MLflow does not track to s3; give") as caught:
        check_tracking_server("s3://k:s3cret@b/x")
    assert "cret" not in str(caught.value)
    for known in ("sqlite:///a.db", "mysql+pymysql://host/db", "file:///tmp/x", "databricks"):
        assert check_tracking_server(known) == known


def test_server_error_hides_the_password(unreachable):
    with pytest.raises(InputError) as caught:
        RunTracker(unreachable.replace("//", "//jane:secret@"), experiment_name="tests", run_name="none")
    assert "connection refused" in str(caught.value)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_missing_mlflow_is_one_line_naming_the_extra():
    code = "import sys; sys.modules['mlflow'] = None; import monai_unsup_denoise.tracking"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("mlflow: not installed; pip install 'monai-unsup-denoise[train]'")
