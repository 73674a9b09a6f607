"""Every run in MLflow, with all that is needed to compare it and to repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from monai.handlers import MLFlowHandler
from torch.optim import Optimizer


class RunTracker(MLFlowHandler):
    """MONAI's ``MLFlowHandler`` for a trainer with several losses and optimizers.

    Logs parameters at the start; every scalar of ``engine.state.output`` as ``train/<term>`` and every learning rate as
    ``lr/<optimizer>`` while training; the evaluator's metrics as ``val/<metric>`` at each validation; artifacts at the
    end. A training that raises is marked FAILED, one that is interrupted KILLED. A resumed training goes on in its own
    run (the run id travels in the checkpoint).

    Args:
        tracking_uri: MLflow tracking URI, ``sqlite:///...`` or that of a server.
        experiment_name: experiment of the run.
        run_name: must be new for every run: MLflow joins unfinished runs of the same name.
        parameters: what to log as the run's parameters.
        optimizers: whose learning rates to log, by name.
        evaluator: the validation engine, or None.
        artifacts: files and folders to upload at the end; None and missing ones are passed over.
        interval: log losses every so many iterations.
    """

    def __init__(
        self,
        tracking_uri: str,
        *,
        experiment_name: str,
        run_name: str,
        parameters: Mapping[str, Any] | None = None,
        optimizers: Mapping[str, Optimizer] | None = None,
        evaluator: Engine | None = None,
        artifacts: Sequence[str | None] = (),
        interval: int = 10,
    ) -> None:
        super().__init__(
            tracking_uri=tracking_uri,
            experiment_name=experiment_name,
            run_name=run_name,
            experiment_param=dict(parameters or {}),
            artifacts=[artifact for artifact in artifacts if artifact],
        )
        self.optimizers = optimizers or {}
        self.evaluator = evaluator
        self.interval = interval
        self.run_id: str | None = None

    def attach(self, engine: Engine) -> None:
        """Track the trainer ``engine``, and the evaluator that was given."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.log_training)
        engine.add_event_handler(Events.COMPLETED, self.finish, "FINISHED")
        engine.add_event_handler(Events.EXCEPTION_RAISED, self.fail)
        if self.evaluator is not None:
            self.evaluator.add_event_handler(Events.COMPLETED, self.log_validation, engine)

    def start(self, engine: Engine) -> None:
        """Open the run, or go on with the one of the checkpoint."""
        if self.run_id is not None:
            self.client.update_run(self.run_id, status="RUNNING")
            self.cur_run = self.client.get_run(self.run_id)
            self._delete_exist_param_in_dict(self.experiment_param)
        super().start(engine)
        self.run_id = self.cur_run.info.run_id

    def log_training(self, engine: Engine) -> None:
        """Losses and learning rates of this iteration."""
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        losses = {f"train/{name}": float(value) for name, value in output.items() if np.ndim(value) == 0}
        rates = {f"lr/{name}": optimizer.param_groups[0]["lr"] for name, optimizer in self.optimizers.items()}
        self._log_metrics(losses | rates, step=engine.state.iteration)

    def log_validation(self, evaluator: Engine, trainer: Engine) -> None:
        """The evaluator's metrics, at the trainer's iteration."""
        metrics = {f"val/{name}": value for name, value in evaluator.state.metrics.items()}
        self._log_metrics(metrics, step=trainer.state.iteration)

    def finish(self, engine: Engine, status: str) -> None:
        """Upload the artifacts and close the run."""
        self.complete()
        self.client.set_terminated(self.cur_run.info.run_id, status)
        self.cur_run = None

    def fail(self, engine: Engine, error: BaseException) -> None:
        """Close the run as FAILED or KILLED, and let the error go on."""
        if self.cur_run is not None:
            self.client.set_tag(self.cur_run.info.run_id, "error", f"{type(error).__name__}: {error}"[:500])
            self.finish(engine, "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise error

    def state_dict(self) -> dict[str, str | None]:
        """The run's id, for the checkpoint."""
        return {"run_id": self.run_id}

    def load_state_dict(self, state: dict[str, str | None]) -> None:
        """Go on with the run of a checkpoint."""
        self.run_id = state["run_id"]

    def _parse_artifacts(self) -> list[str]:
        """As MONAI's, with the paths as strings."""
        return [str(path) for path in super()._parse_artifacts()]
