"""Trackers of small engines, and one SQLite store for all: creating it takes ten seconds."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable

import pytest
import torch
from ignite.engine import Engine
from mlflow import MlflowClient
from monai.utils import path_to_sqlite_uri

from monai_unsup_denoise.tracking import RunTracker, open_store
from tests.training.conftest import loader, make_trainer, volumes  # noqa: F401


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("mlflow") / "a b#c?d%e@f"  # any output folder will do
    return open_store(path_to_sqlite_uri(folder / "mlruns.db"))


@pytest.fixture
def make_tracker(store: str) -> Callable[..., RunTracker]:
    """Makes a tracker of a run with a unique name."""

    def make(**given):
        return RunTracker(store, **{"experiment_name": "tests", "run_name": uuid.uuid4().hex, "interval": 1, **given})

    return make


@pytest.fixture
def client(store: str) -> MlflowClient:
    return MlflowClient(store)


@pytest.fixture
def unreachable() -> str:
    """The address of a server that is down."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def values(client: MlflowClient, tracker: RunTracker, name: str) -> list[tuple[int, float]]:
    """Steps and values of a metric, in the order of the steps."""
    return sorted((m.step, m.value) for m in client.get_metric_history(tracker.run_id, name))


def training(loss: Callable[[int], float] = lambda iteration: 1 / iteration) -> Engine:
    """An engine with the output of the trainer: a list of items with scalars and images."""

    def step(engine, batch):
        value = torch.tensor(loss(engine.state.iteration))
        return [{"loss": value, "cycle": 2 * value, "image": torch.rand(1, 4, 4), "pred": torch.rand(1, 4, 4)}] * 2

    return Engine(step)


def interrupted(error: BaseException, at: int) -> Callable[[int], float]:
    """A loss that raises ``error`` at iteration ``at``."""

    def loss(iteration):
        if iteration == at:
            raise error
        return 1 / iteration

    return loss
