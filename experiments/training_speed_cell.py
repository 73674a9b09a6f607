"""Time the steps of one training of the bundle, in a process of its own: see `training_speed.py`.

    python -m experiments.training_speed_cell FOLDER

reads `job.json` and writes `answer.json`.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from monai.bundle import ConfigParser
from monai.engines.utils import IterationEvents
from monai.utils import set_determinism
from torch.utils.flop_counter import FlopCounterMode

from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.training import UnpairedTrainer
from monai_unsup_denoise.training.trainer import prepare_unpaired_batch

_WARM_UP = 4  # steps that are not timed
_STEPS = 32  # two rounds: every 16th step has more terms
_PARTS = {
    Events.GET_BATCH_COMPLETED: "loader",
    IterationEvents.LOSS_COMPLETED: "forward",
    IterationEvents.BACKWARD_COMPLETED: "backward",
    IterationEvents.MODEL_COMPLETED: "optimizer",
    Events.ITERATION_COMPLETED: "handlers",
}
_HANDLERS = ("EpochSeed", "LrScheduleHandler", "existing")  # no checkpoint, no progress bar


def main() -> None:
    """Do the job in a folder."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())
    torch.set_num_threads(job["threads"])
    logging.disable(logging.INFO)
    set_determinism(0)
    training = load_training(folder, job["configs"], job["settings"])
    trainer = training.get_parsed_content("train#trainer")
    answer: dict[str, Any] = time_steps(trainer, warm_up=_WARM_UP, steps=_STEPS)
    answer["gflop"] = flop_of_step(trainer, steps=_STEPS // 2) / 1e9
    if job["validates"]:
        evaluator = training.get_parsed_content("validate#evaluator")
        start = time.perf_counter()
        evaluator.run()
        answer["validation_seconds"] = time.perf_counter() - start
        answer["validated_steps"] = steps_between_validations(job["configs"])
    for name in ("patch_size", "batch_size", "autocast"):
        answer[name] = training.get_parsed_content(name)
    answer["precision"] = str(answer.pop("autocast") or "float32").removeprefix("torch.")
    (folder / "answer.json").write_text(json.dumps(answer))


def load_training(folder: Path, configs: Sequence[str], settings: dict[str, Any]) -> ConfigParser:
    """`train.json` under other configs and settings, for one epoch of few phantoms; it writes to ``folder`` alone."""
    parser = _read(configs)
    parser["train#handlers"] = [item for item in parser["train#handlers"] if item["_target_"].endswith(_HANDLERS)]
    own = {
        "device": "$torch.device('cpu')",
        "silent": True,
        "progress": False,
        "tracker": None,
        "pretrained": None,
        "model_path": str(folder / "model.pt"),
        "max_epochs": 1,
        "iterations_per_epoch": _WARM_UP + _STEPS,
        "datalists#noisy_subjects": [0],
        "datalists#clean_subjects": [1],
        "datalists#validation_subjects": [2],
    }
    for key, value in (own | settings).items():
        parser[key] = value
    return parser


def time_steps(trainer: UnpairedTrainer, *, warm_up: int, steps: int) -> dict[str, float]:
    """Train for one epoch of ``warm_up + steps``; mean seconds of a step, by part."""
    spent: dict[str, list[float]] = defaultdict(list)
    last = time.perf_counter()

    def end_of(part: str) -> Callable[..., None]:
        def mark(*_: Any) -> None:
            nonlocal last
            spent[part].append(time.perf_counter() - last)
            last = time.perf_counter()

        return mark

    for event, part in _PARTS.items():
        trainer.add_event_handler(event, end_of(part))
    trainer.run()
    seconds = {f"{part}_seconds": sum(times[warm_up:]) / steps for part, times in spent.items()}
    return {**seconds, "seconds": sum(seconds.values())}


def flop_of_step(trainer: UnpairedTrainer, *, steps: int) -> float:
    """Floating-point operations of forward and backward pass, the mean of ``steps``; without those of the optimizer."""
    batch = prepare_unpaired_batch(next(iter(trainer.data_loader)), trainer.state.device)
    with FlopCounterMode(display=False) as counter:
        for _ in range(steps):
            with torch.autocast("cpu", trainer.autocast, enabled=trainer.autocast is not None):
                terms, _ = trainer.objective.generator_step(trainer.networks, batch)
            torch.stack([term.float() for term in terms.values()]).sum().backward()
    return counter.get_total_flops() / steps


def steps_between_validations(configs: Sequence[str]) -> int:
    """Of a training with these configs and no other setting."""
    parser = _read(configs)
    epochs: int = parser.get_parsed_content("val_interval")
    return epochs * int(parser.get_parsed_content("iterations_per_epoch"))


def _read(configs: Sequence[str]) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(config_files(configs))
    return parser


if __name__ == "__main__":
    main()
