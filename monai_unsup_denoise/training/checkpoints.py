"""Save the state of a training after each epoch, and resume from it."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import ignite.distributed as idist
import torch
from filelock import FileLock, Timeout
from ignite.engine import Engine, Events
from ignite.handlers.checkpoint import BaseSaveHandler, Checkpoint

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training.find_checkpoint import epoch_of, find_checkpoint, newest_checkpoint, read_checkpoint
from monai_unsup_denoise.training.save_state import save_state


@dataclass
class EpochCheckpoint:
    """Save a checkpoint at the end of each epoch; load one at the start of a resumed training.

    In a distributed training every process must have this handler; the first one writes. It keeps other trainings out
    of ``folder`` until its own ends, or dies.

    Attributes:
        folder: checkpoints of all trainings; this one's are ``folder/run_name/checkpoint_epoch=1.pt`` and so on.
        objects: what to save with the trainer, by name, or dictionaries of such; those without state are left out.
        resume: checkpoint to resume from, as in `find_checkpoint`; ``if_any`` for the newest, if there is one; False to
            start anew.
        kept: number of newest checkpoints to keep.
    """

    folder: str | Path
    run_name: str
    objects: Mapping[str, Any]
    _: KW_ONLY
    resume: str | bool = False
    device: torch.device | str = "cpu"
    kept: int = 2

    def attach(self, engine: Engine) -> None:
        """Save and load the trainer ``engine`` too. Attach it after the validation: it saves its results.

        Raises:
            InputError: if another training writes to the folder, or there is no checkpoint to resume from.
        """
        stateful = {k: v for k, v in self.objects.items() if isinstance(v, Mapping) or hasattr(v, "state_dict")}
        objects = {"trainer": engine, **stateful}
        if idist.get_rank() == 0:
            lock = _lock(Path(self.folder))
            engine.add_event_handler(Events.COMPLETED, lambda: lock.release(force=True))
        if self.resume:
            may_start = self.resume == "if_any"
            path = newest_checkpoint(self.folder) if may_start else find_checkpoint(self.folder, self.resume)
            if path is not None:
                engine.add_event_handler(Events.STARTED, _load, path, objects, self.device)
        save = Checkpoint(
            objects,
            _CheckpointFolder(Path(self.folder) / self.run_name),
            n_saved=self.kept,
            filename_pattern="checkpoint_epoch={global_step}.{ext}",
            global_step_transform=lambda *_: engine.state.epoch,
        )
        engine.add_event_handler(Events.EPOCH_COMPLETED, save)


class _CheckpointFolder(BaseSaveHandler):
    """Writes each checkpoint whole or not at all. Ignite's ``DiskSaver`` leaves an empty one after a power failure."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, checkpoint: Mapping, filename: str, metadata: Mapping | None = None) -> None:
        if idist.get_rank() == 0:
            save_state(checkpoint, self.folder / filename)

    def remove(self, filename: str) -> None:
        if idist.get_rank() == 0:
            (self.folder / filename).unlink(missing_ok=True)


def _lock(folder: Path) -> FileLock:
    """Keep other processes from training into ``folder`` until this lock is released, or the process ends.

    Raises:
        InputError: if one does already, or the folder cannot be written in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".training.lock", timeout=0, thread_local=False, is_singleton=True)
        lock.acquire()
    except Timeout:
        raise InputError(
            f"{folder}: another training writes here; wait for its end, or give another output_dir"
        ) from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written in ({error.strerror}); give another output_dir") from error
    return lock


def _load(engine: Engine, path: str, objects: Mapping[str, Any], device: torch.device | str) -> None:
    state, max_epochs = read_checkpoint(path, device), engine.state.max_epochs
    planned = state["trainer"]["max_epochs"]
    if max_epochs is not None and planned is not None and not epoch_of(state) <= max_epochs <= planned:
        raise InputError(
            f"--resume {path}: has {epoch_of(state)} epochs of {planned}, as its learning rate was planned for; give "
            f"max_epochs={planned}, or start a longer training from its weights with pretrained=model.pt"
        )
    try:
        Checkpoint.load_objects(objects, state)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(
            f"--resume {path}: a checkpoint of a training with other settings; give its configs, or another checkpoint"
        ) from error
    engine.state.max_epochs = max_epochs
