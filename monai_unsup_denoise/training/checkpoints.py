"""Write checkpoints, and find the one to resume from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, DiskSaver

from monai_unsup_denoise.errors import InputError


class EpochCheckpoint:
    """Write a checkpoint at the end of each epoch, whole or not at all: a training may be killed at any moment.

    Ignite's ``Checkpoint`` with its atomic writer; MONAI's ``CheckpointSaver`` writes in place. In a distributed
    training every process must have this handler; the first one writes.

    Args:
        folder: where ``checkpoint_epoch=1.pt`` and so on go.
        objects: what to save, by name, each with a ``state_dict``.
        kept: newest checkpoints that are kept.
    """

    def __init__(self, folder: str | Path, objects: Mapping[str, Any], *, kept: int = 2) -> None:
        self.folder = folder
        self.objects = objects
        self.kept = kept

    def attach(self, engine: Engine) -> None:
        """Save after every epoch of the trainer ``engine``; attach it after the handlers whose result is saved."""
        save = Checkpoint(
            self.objects,
            DiskSaver(self.folder, require_empty=False),
            n_saved=self.kept,
            filename_pattern="{name}_epoch={global_step}.{ext}",
            global_step_transform=lambda *_: engine.state.epoch,
        )
        engine.add_event_handler(Events.EPOCH_COMPLETED, save)


def find_checkpoint(folder: str | Path, which: str | bool = "latest") -> str:
    """Path of the checkpoint to resume from.

    Args:
        folder: where trainings keep their checkpoints, each in a sub-folder.
        which: ``latest`` (or True) for the newest in ``folder``, or the path of one.

    Raises:
        InputError: if there is none.
    """
    if which not in (True, "latest", "True", "true"):
        if not Path(str(which)).is_file():
            raise InputError(f"--resume {which}: no such checkpoint; give the path of one, or `latest`")
        return str(which)
    found = sorted(Path(folder).glob("**/checkpoint*.pt"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise InputError(f"--resume: no checkpoint below {folder}; start a training without --resume first")
    return str(found[-1])
