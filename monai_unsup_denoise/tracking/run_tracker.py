"""A training as a run in MLflow."""

import logging
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ignite.engine import Engine, Events
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from PIL import Image
from torch.optim import Optimizer

from monai_unsup_denoise.credentials import hide_credentials
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking.mlflow_model import register_mlflow_model, save_mlflow_model
from monai_unsup_denoise.tracking.runs import create_run
from monai_unsup_denoise.tracking.server import MLFLOW_ERRORS, open_store, reason

logger = logging.getLogger(__name__)

_BATCH = 1000  # metrics in one request of MLflow's
_PAUSE = 60.0  # seconds between two attempts to reach a server that does not answer
#: Errors with a text that cannot name a file or a patient. Of others only the type is logged, and the name of a signal.
_SAFE_TO_LOG = (ArithmeticError, MemoryError, torch.OutOfMemoryError)


@dataclass(eq=False)
class RunTracker:
    """Logs a training to MLflow.

    At the start: tags, parameters, config. Every ``interval`` iterations: the scalars of ``engine.state.output`` as
    ``train/<term>``, the learning rates as ``lr/<optimizer>``. At each validation: the metrics of the evaluator as
    ``val/<metric>``, its newest image. At the end: the weights, also as a new version of the registered model. The run
    ends as FINISHED, after an error as FAILED, after an interrupt as KILLED. A resumed training continues its run.

    The server must answer at the start. If it is unreachable later, metrics and images are kept in memory and sent when
    it answers again; what is missing at the end is logged. (MLflow's asynchronous logging drops a request that fails;
    with MONAI's ``MLFlowHandler`` it ends the training.)

    Args:
        tracking_uri: ``sqlite:///...`` or the address of a server.
        tags: of the run, and of the registered model.
        pictures: folder where each validation writes an image.
        weights: returns the file of the best weights, or None if this training has written none.
        save_model: writes an MLflow model into a folder, given the folder and the file of weights.

    Raises:
        InputError: if the server does not answer, or the database cannot be opened.
    """

    tracking_uri: str
    _: KW_ONLY
    experiment_name: str
    run_name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] | None = None
    optimizers: Mapping[str, Optimizer] = field(default_factory=dict)
    evaluator: Engine | None = None
    pictures: str | Path | None = None
    weights: Callable[[], Path | None] | None = None
    registered_model: str | None = None
    save_model: Callable[[Path, Path], None] = save_mlflow_model
    interval: int = 10

    def __post_init__(self) -> None:
        self.client = MlflowClient(open_store(self.tracking_uri))
        self.run_id = ""
        self.is_open = False
        self.metrics: list[Metric] = []
        self.images: list[tuple[int, Path]] = []
        self.retry_at: float | None = None  # set while the server does not answer

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.log_training)
        engine.add_event_handler(Events.COMPLETED, self.finish, "FINISHED")
        engine.add_event_handler(Events.EXCEPTION_RAISED, self.fail)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self.log_validation, engine)

    def start(self, engine: Engine) -> None:
        """Create the run, or reopen that of the checkpoint; log parameters and config.

        Raises:
            InputError: if the server refuses, or does not know the run of the checkpoint.
        """
        state = engine.state
        parameters = {**self.parameters, "max_epochs": state.max_epochs, "epoch_length": state.epoch_length}
        try:
            if self.run_id:
                self.client.update_run(self.run_id, status="RUNNING")
            else:
                self.run_id = create_run(self.client, self.experiment_name, run_name=self.run_name, tags=self.tags)
            run = self.client.get_run(self.run_id)
            new = [Param(name, str(value)) for name, value in parameters.items() if name not in run.data.params]
            self.client.log_batch(self.run_id, params=new)
            if self.config:
                self.client.log_dict(self.run_id, dict(self.config), "config.json")
        except MLFLOW_ERRORS as error:
            raise InputError(
                f"tracking_uri {hide_credentials(self.client.tracking_uri)}: MLflow cannot open the run "
                f"({reason(error)}); check the server, or resume with the tracking_uri that the training began with"
            ) from error
        self.is_open = True

    def log_training(self, engine: Engine) -> None:
        """Losses and learning rates of this iteration."""
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        losses = {f"train/{name}": value for name, value in output.items() if np.ndim(value) == 0}
        rates = {f"lr/{name}": optimizer.param_groups[0]["lr"] for name, optimizer in self.optimizers.items()}
        self.log(losses | rates, step=engine.state.iteration)

    def log_validation(self, evaluator: Engine, trainer: Engine) -> None:
        """Metrics and newest image of the evaluator, at the iteration of the trainer."""
        step = trainer.state.iteration
        images = sorted(Path(self.pictures).glob("*.png")) if self.pictures else []
        self.images += [(step, image) for image in images[-1:]]
        self.log({f"val/{name}": value for name, value in evaluator.state.metrics.items()}, step=step)

    def log(self, metrics: Mapping[str, Any], *, step: int) -> None:
        """Send metrics, or keep them while the server does not answer."""
        now = int(time.time() * 1000)
        self.metrics += [Metric(name, float(value), now, step) for name, value in metrics.items()]
        self.send()

    def send(self, *, at_once: bool = False) -> None:
        """Send what is kept; while the server does not answer, try only now and then or ``at_once``."""
        if self.retry_at is not None and not at_once and time.monotonic() < self.retry_at:
            return
        try:
            while self.metrics:
                self.client.log_batch(self.run_id, metrics=self.metrics[:_BATCH])
                del self.metrics[:_BATCH]
            while self.images:
                step, image = self.images[0]
                self.client.log_image(self.run_id, Image.open(image), key="validation", step=step)
                del self.images[0]
            self.retry_at = None
        except MLFLOW_ERRORS as error:
            if self.retry_at is None:
                delay = "MLflow does not answer (%s): the training continues, its logs are sent later"
                logger.warning(delay, reason(error))
            self.retry_at = time.monotonic() + _PAUSE

    def finish(self, engine: Engine, status: str, error: str = "") -> None:
        """Upload and register the weights, end the run, and log what MLflow did not get. Never raises."""
        self.send(at_once=True)
        kept: dict[str, list] = {"values": self.metrics, "images": self.images}
        missing = [f"{len(items)} {name}" for name, items in kept.items() if items]
        for what, step in self._last_steps(status, error).items():
            if self.retry_at is not None:
                missing.append(what)
                continue
            try:
                step()
            except Exception as failure:  # of any kind: the training is done and on disk
                missing.append(f"{what} ({reason(failure)})")
        if missing:
            lack = "MLflow run %s lacks: %s. Weights, checkpoints and images are on disk."
            logger.warning(lack, self.run_name, ", ".join(missing))
        self.is_open = False

    def fail(self, engine: Engine, error: BaseException) -> None:
        """End the run as FAILED or KILLED, with the type of the error as a tag, and raise the error again."""
        if self.is_open:
            is_safe = isinstance(error, _SAFE_TO_LOG) or str(error) in signal.Signals.__members__
            text = str(error) if is_safe else "see the output of the training"
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            self.finish(engine, status, f"{type(error).__name__}: {text}")
        raise error

    def state_dict(self) -> dict[str, str]:
        return {"run_id": self.run_id}

    def load_state_dict(self, state: Mapping[str, str]) -> None:
        self.run_id = state["run_id"]

    def _last_steps(self, status: str, error: str) -> dict[str, Callable[[], Any]]:
        """What is left to do at the end; the keys name what MLflow lacks without it."""
        steps: dict[str, Callable[[], Any]] = {}
        weights = self.weights() if self.weights else None
        if weights and weights.is_file():
            steps["the weights"] = lambda: self.client.log_artifact(self.run_id, str(weights))
            if self.registered_model and status == "FINISHED":
                steps["the registered model"] = lambda: self._register(weights)
        if error:
            steps["the error"] = lambda: self.client.set_tag(self.run_id, "error", error[:500])
        steps[f"its end as {status}"] = lambda: self.client.set_terminated(self.run_id, status)
        return steps

    def _register(self, weights: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder, name = Path(scratch) / "model", str(self.registered_model)
            self.save_model(folder, weights)
            register_mlflow_model(self.client, folder, name=name, run_id=self.run_id, tags=self.tags)
