"""Find the checkpoint to resume from."""

from __future__ import annotations

from pathlib import Path

from monai_unsup_denoise.errors import InputError


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
