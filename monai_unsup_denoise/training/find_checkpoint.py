"""The checkpoint to resume from."""

import logging
import re
import time
from pathlib import Path
from typing import Any

import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import check_zip

logger = logging.getLogger(__name__)


def find_checkpoint(folder: str | Path, which: str | bool = "latest") -> str:
    """The checkpoint at the path ``which``; for ``latest`` or True, the newest in ``folder`` and below that loads.

    Raises:
        InputError: if there is none.
    """
    if which not in (True, "latest", "True", "true"):
        read_checkpoint(str(which))
        return str(which)
    newest = newest_checkpoint(folder)
    if newest is None:
        raise InputError(f"--resume: no checkpoint below {folder}; start a training without --resume first")
    return newest


def newest_checkpoint(folder: str | Path) -> str | None:
    """That of the highest epoch of the newest run in ``folder`` and below that loads; None without any checkpoint.

    Log which it is, and which were passed over.

    Raises:
        InputError: if there are some, and none can be read.
    """
    damaged = []
    found = (path for path in Path(folder).glob("**/checkpoint*.pt") if not path.parent.name.startswith("."))
    for run in sorted({path.parent for path in found}, key=_start, reverse=True):
        epochs = {}
        for path in sorted(run.glob("checkpoint*.pt")):
            try:
                epochs[path] = epoch_of(read_checkpoint(path))
            except InputError:
                damaged.append(path)
        if epochs:
            newest = max(epochs, key=lambda path: epochs[path])
            logger.info("resuming from %s, epoch %d", newest, epochs[newest])
            if damaged:
                logger.warning("passed over, since damaged: %s", ", ".join(map(str, damaged)))
            return str(newest)
    if damaged:
        names = ", ".join(map(str, damaged))
        raise InputError(f"--resume: no checkpoint below {folder} can be read ({names}); start without --resume")
    return None


def read_checkpoint(path: str | Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The content of a checkpoint, on ``device``.

    Raises:
        InputError: if there is no such file, or it is no whole checkpoint of a training.
    """
    try:
        check_zip(path)
        state = torch.load(path, map_location=device, weights_only=True)
        epoch_of(state)
    except FileNotFoundError:
        raise InputError(f"--resume {path}: no such checkpoint; give the path of one, or `latest`") from None
    except Exception as error:  # whatever torch's unpickler makes of foreign bytes
        raise InputError(
            f"--resume {path}: not a checkpoint of a training, or a damaged one; give the path of another, or `latest`"
        ) from error
    return state


def epoch_of(state: dict[str, Any]) -> int:
    """The number of epochs in a checkpoint."""
    return int(state["trainer"]["iteration"]) // int(state["trainer"]["epoch_length"])


def _start(run: Path) -> str:
    """When the run of that folder began: its name says so, unless the user chose it; else when it last wrote."""
    if re.match(r"\d{8}-\d{6}-", run.name):
        return run.name
    newest = max(path.stat().st_mtime for path in run.glob("checkpoint*.pt"))
    return time.strftime("%Y%m%d-%H%M%S", time.localtime(newest))
