"""Every run in MLflow, with all that is needed to compare it and to repeat it."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from ignite.engine import Engine, Events
from mlflow.entities import Metric, Run
from monai.handlers import MLFlowHandler
from PIL import Image
from torch.optim import Optimizer

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking.mlflow_model import register_mlflow_model, save_mlflow_model
from monai_unsup_denoise.tracking.provenance import provenance_tags
from monai_unsup_denoise.tracking.server import MLFLOW_ERRORS, check_tracking_server, reason, without_password

logger = logging.getLogger(__name__)

#: Metrics that MLflow takes at once.
BATCH = 1000
#: How long to leave a server alone that did not answer, in seconds.
PAUSE = 60.0
#: Tells MLflow's pages that this is about training, not about language models.
EXPERIMENT_KIND = "mlflow.experimentKind"
#: Errors whose text can name no file and no patient: arithmetic and memory. Of all others only the kind is logged.
HARMLESS = (ArithmeticError, MemoryError, torch.OutOfMemoryError)


class RunTracker(MLFlowHandler):
    """MONAI's ``MLFlowHandler`` for a trainer with several losses and optimizers, and a server that may go away.

    Logs tags, parameters and the config at the start; every scalar of ``engine.state.output`` as ``train/<term>`` and
    every learning rate as ``lr/<optimizer>`` while training; the evaluator's metrics as ``val/<metric>`` and the newest
    picture at each validation; artifacts at the end, and the weights as a version of a registered model. A training
    that raises is marked FAILED, one that is interrupted KILLED. A resumed training goes on in its own run (the run id
    travels in the checkpoint).

    A server must answer at the start. If it goes away later, the training goes on: metrics and pictures are kept and
    sent when it is back (looked for once a minute, each time for seconds), and what it lacks at the end is said.

    Args:
        tracking_uri: MLflow tracking URI, ``sqlite:///...`` or that of a server.
        experiment_name: experiment of the run.
        run_name: how to find it again.
        parameters: what to log as the run's parameters.
        tags: further tags of the run and of the registered model.
        config: the config that is executed, without paths; None logs none.
        optimizers: whose learning rates to log, by name.
        evaluator: the validation engine, or None.
        pictures: folder where each validation leaves a picture, or None.
        artifacts: files and folders to upload at the end; None, and what is missing or older than the run, are passed
            over.
        weights: file of the best weights; uploaded too.
        registered_model: name under which to register the weights, or None.
        save_model: called with a folder and the file of weights, makes the folder an MLflow model.
        interval: log losses every so many iterations.

    Raises:
        InputError: if the server does not answer.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        experiment_name: str,
        run_name: str,
        parameters: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        config: Mapping[str, Any] | None = None,
        optimizers: Mapping[str, Optimizer] | None = None,
        evaluator: Engine | None = None,
        pictures: str | Path | None = None,
        artifacts: Sequence[str | None] = (),
        weights: str | Path | None = None,
        registered_model: str | None = None,
        save_model: Callable[[Path, Path], None] = save_mlflow_model,
        interval: int = 10,
    ) -> None:
        check_tracking_server(tracking_uri)
        super().__init__(
            tracking_uri=tracking_uri,
            experiment_name=experiment_name,
            run_name=run_name,
            experiment_param=dict(parameters or {}),
            artifacts=[artifact for artifact in (*artifacts, weights) if artifact],
        )
        self.tags = {name: str(value) for name, value in (tags or {}).items()}
        self.config = config
        self.optimizers = optimizers or {}
        self.evaluator = evaluator
        self.picture_folder = Path(pictures) if pictures else None
        self.weights = Path(weights) if weights else None
        self.registered_model = registered_model
        self.save_model = save_model
        self.interval = interval
        self.run_id: str | None = None
        self.metrics: list[Metric] = []
        self.pictures: list[tuple[int, Path]] = []
        self.away = False
        self.try_again_at = 0.0

    def attach(self, engine: Engine) -> None:
        """Track the trainer ``engine``, and the evaluator that was given."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.log_training)
        engine.add_event_handler(Events.COMPLETED, self.finish, "FINISHED")
        engine.add_event_handler(Events.EXCEPTION_RAISED, self.fail)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self.log_validation, engine)

    def start(self, engine: Engine) -> None:
        """Open the run, or go on with the one of the checkpoint.

        Raises:
            InputError: if the server refuses it, or does not know the run of the checkpoint.
        """
        try:
            self.open_run()
            super().start(engine)
            if self.config:
                self.client.log_dict(self.run_id, dict(self.config), "config.json")
        except (*MLFLOW_ERRORS, ValueError) as error:
            self.cur_run = None
            raise InputError(
                f"tracking_uri {without_password(self.client.tracking_uri)}: MLflow cannot open the run "
                f"({reason(error)}); check the server, or that a resumed training goes on where it began"
            ) from error

    def open_run(self) -> None:
        """Make the run, or find the one of the checkpoint, and set its tags."""
        self._set_experiment()
        if EXPERIMENT_KIND not in self.experiment.tags:
            self.client.set_experiment_tag(self.experiment.experiment_id, EXPERIMENT_KIND, "custom_model_development")
        tags = provenance_tags() | self.tags
        if self.run_id is None:
            made = self.client.create_run(self.experiment.experiment_id, tags=tags, run_name=self.run_name)
            self.run_id = made.info.run_id
        else:
            self.client.update_run(self.run_id, status="RUNNING")
        self.cur_run = self.client.get_run(self.run_id)
        self._delete_exist_param_in_dict(self.experiment_param)

    def log_training(self, engine: Engine) -> None:
        """Losses and learning rates of this iteration."""
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        losses = {f"train/{name}": float(value) for name, value in output.items() if np.ndim(value) == 0}
        rates = {f"lr/{name}": optimizer.param_groups[0]["lr"] for name, optimizer in self.optimizers.items()}
        self._log_metrics(losses | rates, step=engine.state.iteration)

    def log_validation(self, evaluator: Engine, trainer: Engine) -> None:
        """The evaluator's metrics and picture, at the trainer's iteration."""
        step = trainer.state.iteration
        drawn = sorted(self.picture_folder.glob("*.png")) if self.picture_folder else []
        self.pictures += [(step, picture) for picture in drawn[-1:]]
        self._log_metrics({f"val/{name}": value for name, value in evaluator.state.metrics.items()}, step=step)

    def finish(self, engine: Engine, status: str, error: str | None = None) -> None:
        """Upload the artifacts, register the model, close the run; say what MLflow did not get. Never raises."""
        self.send(at_once=True)
        kept = {"values": len(self.metrics), "pictures": len(self.pictures)}
        missing = [f"{number} {what}" for what, number in kept.items() if number]
        steps: dict[str, Callable[[], Any]] = {"the weights": self.complete}
        if error:
            steps["the error"] = lambda: self.client.set_tag(self.run_id, "error", error[:500])
        if self.registered_model and status == "FINISHED":
            steps["the registered model"] = self.register
        steps[f"its end as {status}"] = lambda: self.client.set_terminated(self.run_id, status)
        for what, step in steps.items():
            if self.away:
                missing.append(what)
                continue
            try:
                step()
            except Exception as failure:  # whatever it is, the training is done and on the disk
                missing.append(f"{what} ({reason(failure)})")
        if missing:
            logger.warning(
                "MLflow lacks of run %s: %s. The weights, the checkpoints and the pictures are on the disk.",
                self.run_name,
                ", ".join(missing),
            )
        self.cur_run = None

    def fail(self, engine: Engine, error: BaseException) -> None:
        """Close the run as FAILED or KILLED, and let the error go on.

        The tag ``error`` has the error's kind, and its text only where that can name no file and no patient.
        """
        if self.cur_run is not None:
            text = str(error) if isinstance(error, HARMLESS) else "the training's own output says more"
            status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
            self.finish(engine, status, f"{type(error).__name__}: {text}")
        raise error

    def register(self) -> None:
        """Make the weights the newest version of the registered model, if they are this run's."""
        if self.weights is None or self._is_older_than_run(self.weights):
            return
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "model"
            self.save_model(folder, self.weights)
            version = register_mlflow_model(
                self.client,
                folder,
                name=str(self.registered_model),
                experiment_id=self.experiment.experiment_id,
                run_id=str(self.run_id),
                tags=self.tags,
            )
        logger.info("registered the best weights as models:/%s/%s", version.name, version.version)

    def send(self, *, at_once: bool = False) -> None:
        """Send the metrics and pictures that are kept; while the server is away, only now and then or ``at_once``."""
        if self.away and not at_once and time.monotonic() < self.try_again_at:
            return
        try:
            while self.metrics:
                self.client.log_batch(self.run_id, metrics=self.metrics[:BATCH])
                del self.metrics[:BATCH]
            while self.pictures:
                step, picture = self.pictures[0]
                self.client.log_image(self.run_id, Image.open(picture), key="validation", step=step)
                del self.pictures[0]
        except MLFLOW_ERRORS as error:
            if not self.away:
                logger.warning(
                    "MLflow does not answer (%s): the training goes on, and what is to be logged is kept until it does",
                    reason(error),
                )
            self.away = True
            self.try_again_at = time.monotonic() + PAUSE
        else:
            self.away = False

    def state_dict(self) -> dict[str, str | None]:
        """The run's id, for the checkpoint."""
        return {"run_id": self.run_id}

    def load_state_dict(self, state: dict[str, str | None]) -> None:
        """Go on with the run of a checkpoint."""
        self.run_id = state["run_id"]

    def _log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Instead of MONAI's, which raises where the server is away."""
        now = int(time.time() * 1000)
        self.metrics += [Metric(name, float(value), now, step or 0) for name, value in metrics.items()]
        self.send()

    def _is_older_than_run(self, path: str | Path) -> bool:
        """Then another training made it, or none did."""
        file, run = Path(path), cast(Run, self.cur_run)
        return not file.is_file() or file.stat().st_mtime * 1000 < run.info.start_time

    def _parse_artifacts(self) -> list[str]:
        """As MONAI's, with the paths as strings, and only what this run has made."""
        return [str(path) for path in super()._parse_artifacts() if not self._is_older_than_run(path)]
