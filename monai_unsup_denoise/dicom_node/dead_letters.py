"""Dead letters: another try."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from monai_unsup_denoise.dicom_node.spool import ATTEMPTS, DENOISED, LATE, REASON
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.staging import flush


def retry(spool: Path) -> Iterator[str]:
    """Move the dead letters of a spool, whose node may be running, to where they failed; a line about each.

    A series that was not denoised waits for that again; a denoised one is sent to the destinations that do not have
    it. Late instances stay, since they are no volume.

    Raises:
        InputError: if there is no such spool.
    """
    if not (spool / "dead").is_dir():
        raise InputError(f"{spool}: is no spool; check the settings")
    for job in sorted((spool / "dead").iterdir()):
        if (job / LATE).exists():
            yield f"{job.name}: stays, its instances came late"
            continue
        state = "outgoing" if (job / DENOISED).exists() else "waiting"
        for name in (REASON, ATTEMPTS):
            (job / name).unlink(missing_ok=True)
        os.rename(job, spool / state / job.name)
        flush(spool / state)
        flush(spool / "dead")
        yield f"{job.name}: will be {'sent' if state == 'outgoing' else 'denoised'} again"
