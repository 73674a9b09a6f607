"""Save the state of a training after each epoch, and resume from it."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from ignite.handlers import Checkpoint, DiskSaver
from monai.handlers import CheckpointLoader

from monai_unsup_denoise.errors import InputError


@dataclass
class EpochCheckpoint:
    """Save a checkpoint at the end of each epoch; load one at the start of a resumed training.

    MONAI's ``CheckpointSaver`` writes in place; Ignite's ``Checkpoint`` leaves no half-written file when the training
    is killed. In a distributed training every process must have this handler; the first one writes.

    Attributes:
        folder: checkpoints of all trainings; this one's are ``folder/run_name/checkpoint_epoch=1.pt`` and so on.
        objects: what to save with the trainer, by name, or dictionaries of such; those without state are left out.
        resume: checkpoint to resume from, as in `find_checkpoint`; False to start anew.
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
            InputError: if the checkpoint to resume from does not exist.
        """
        stateful = {k: v for k, v in self.objects.items() if isinstance(v, Mapping) or hasattr(v, "state_dict")}
        objects = {"trainer": engine, **stateful}
        if self.resume:
            path = find_checkpoint(self.folder, self.resume)
            CheckpointLoader(path, objects, map_location=self.device).attach(engine)
        save = Checkpoint(
            objects,
            DiskSaver(Path(self.folder) / self.run_name, require_empty=False),
            n_saved=self.kept,
            filename_pattern="checkpoint_epoch={global_step}.{ext}",
            global_step_transform=lambda *_: engine.state.epoch,
        )
        engine.add_event_handler(Events.EPOCH_COMPLETED, save)


def find_checkpoint(folder: str | Path, which: str | bool = "latest") -> str:
    """The checkpoint at the path ``which``; for ``latest`` or True, the newest in ``folder`` and below.

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
