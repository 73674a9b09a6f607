"""The spool: every series on its way is a folder on the disk, and each of its steps is one rename.

::

    partial/                        what is arriving; emptied at the start
    receiving/STUDY/SERIES/source/  instances that were answered with success
    waiting/JOB/source/             a complete series, to be denoised
    outgoing/JOB/                   to be sent: denoised/, and source/ if a destination wants it
    dead/JOB/                       what could not be denoised or sent, and reason.txt
    accepted/SERIES                 which instances of a series have been taken, for those that come again
    removing/                       on its way out; emptied at the start

STUDY, SERIES and the names of the instances are hashes of their UIDs, so no header decides where a file is written.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from monai_unsup_denoise.dicom_node.accepted import Accepted
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.staging import flush

SOURCE, DENOISED = "source", "denoised"
REASON, LATE, ATTEMPTS = "reason.txt", "late", "attempts"
_FOLDERS = ("partial", "receiving", "waiting", "outgoing", "dead", "accepted", "removing")
_DAY = 86400  # seconds
_UNDENOISED = ("receiving", "waiting")  # each of their bytes will need another one for the result


def hashed(uid: str) -> str:
    """The name of a UID in the spool."""
    return hashlib.sha256(uid.encode(errors="surrogatepass")).hexdigest()[:32]


class FullError(Exception):
    """The spool, its queue or its disk is full; the message says which."""


class Spool:
    """The folders of one node, which locks them.

    Args:
        folder: the spool; made if it does not exist.
        max_series: series that it holds at most, dead letters not counted. Then new series are refused, while those
            that have begun may go on.
        max_bytes: size that it has at most with the results that are to come.
        min_free_bytes: what stays free on the disk.

    Raises:
        InputError: if it cannot be written, or another node has it.
    """

    def __init__(self, folder: Path, *, max_series: int, max_bytes: float, min_free_bytes: float) -> None:
        self.folder = folder
        self._limits = max_series, max_bytes, min_free_bytes
        self._accepted = Accepted(folder / "accepted")
        try:
            for name in _FOLDERS:
                (folder / name).mkdir(parents=True, exist_ok=True)
            self._lock_file = open(folder / ".lock", "w")  # noqa: SIM115  # held until the process ends
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{folder}: another node uses this spool; stop it, or give another spool") from error
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); give another spool") from error
        os.chmod(folder, 0o700)  # scans are personal data
        for name in ("partial", "removing"):
            for leftover in (folder / name).iterdir():
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self._lock = threading.Lock()
        self.finishing = threading.Lock()  # of deliveries, when a job is done for one of them
        self._bytes = self._stored_meanwhile = 0
        self.measure()

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    # ---- receiving

    def store(self, arrived: Path, *, study: str, series: str, instance: str) -> bool:
        """Take an instance, a whole file in ``partial``; False, and nothing is kept, if it came before.

        When this returns, the instance is on the disk.

        Raises:
            FullError: if there is no room.
        """
        folder = self / "receiving" / hashed(study) / hashed(series)
        place = folder / SOURCE / f"{hashed(instance)}.dcm"
        size = arrived.stat().st_size
        if place.name in self._accepted.of(hashed(series)):
            return False
        self._check_room(size, is_new=not folder.exists())
        flush(arrived)
        with self._lock:  # so that `take` does not move the folder away between the check and the rename
            if place.name in self._accepted.of(hashed(series)):
                return False
            is_new = not place.parent.exists()
            place.parent.mkdir(parents=True, exist_ok=True)
            was_there = place.exists()
            os.replace(arrived, place)
            for changed in (place.parent, *((folder, folder.parent, self / "receiving") if is_new else ())):
                flush(changed)
            self._bytes += 2 * size
            self._stored_meanwhile += 2 * size
        return not was_there

    def why_full(self) -> str:
        """Why new series are refused; empty while there is room."""
        try:
            self._check_room(0, is_new=True)
        except FullError as reason:
            return str(reason)
        return ""

    def _check_room(self, size: int, *, is_new: bool) -> None:
        max_series, max_bytes, min_free = self._limits
        if shutil.disk_usage(self.folder).free - size < min_free:
            raise FullError("disk")
        # New series are refused earlier, so that those that have begun can be completed.
        if self._bytes + 2 * size > max_bytes * (0.9 if is_new else 1):
            raise FullError("spool")
        if is_new and sum(self.count().values()) >= max_series:
            raise FullError("queue")

    # ---- complete series

    def take(self, study: str) -> list[Path]:
        """Make each series of a complete study, by its name in ``receiving``, a job to be denoised.

        Instances that come for a series that was taken before are no volume; they become a dead letter at once.
        """
        jobs = []
        with self._lock:
            for series in sorted((self / "receiving" / study).glob("*")):  # none if it has been taken meanwhile
                names = {path.name for path in (series / SOURCE).glob("*.dcm")}
                # Not so where the process was killed just after the next step.
                is_late = bool(self._accepted.of(series.name) - names)
                self._accepted.add(series.name, names)
                job = self / "waiting" / f"{time.time_ns():020d}-{series.name[:12]}"
                if is_late:
                    (series / LATE).touch()
                    (series / REASON).write_text(
                        f"{len(names)} instances came after their series had been taken as complete; raise "
                        "quiet_seconds, and send the series again under new UIDs or see 'late instances' in the docs\n"
                    )
                self.move(series, job)
                jobs.append(job)
            with suppress(OSError):
                (self / "receiving" / study).rmdir()
        return jobs

    def studies(self) -> list[str]:
        """The studies that are arriving, by their names in ``receiving``."""
        return sorted(path.name for path in (self / "receiving").iterdir())

    def jobs(self, state: str) -> list[Path]:
        """The jobs in ``waiting``, ``outgoing`` or ``dead``, in the order in which they were complete."""
        return sorted((self / state).iterdir())

    def move(self, job: Path, target: Path) -> Path:
        """Rename a folder to a path or into a state, on the disk when this returns."""
        os.rename(job, target)
        flush(target.parent)
        flush(job.parent)
        return target

    def remove(self, folder: Path) -> None:
        """Remove a folder of a job, as a whole also where the process is killed meanwhile."""
        gone = self / "removing" / f"{folder.parent.name}-{folder.name}"
        with suppress(FileNotFoundError):
            self.move(folder, gone)
            shutil.rmtree(gone, ignore_errors=True)

    # ---- housekeeping

    @property
    def bytes(self) -> int:
        """Size with the results to come, as last measured, and what has come since."""
        return self._bytes

    def close(self) -> None:
        """Let another node have it."""
        self._lock_file.close()

    def count(self) -> dict[str, int]:
        """The number of series that are arriving, waiting and outgoing."""
        receiving = sum(len(_names(self / "receiving" / study)) for study in _names(self / "receiving"))
        return {"receiving": receiving, **{state: len(_names(self / state)) for state in ("waiting", "outgoing")}}

    def measure(self) -> int:
        """Bytes that the spool has, with those of the results to come."""
        with self._lock:
            self._stored_meanwhile = 0
        total = 0
        for name in _FOLDERS:
            factor = 2 if name in _UNDENOISED else 1
            total += factor * sum(_size(path) for path in _files(self / name))
        with self._lock:  # what came while we were counting may be counted twice until the next time
            self._bytes = total + self._stored_meanwhile
        return self._bytes

    def forget(self, days: float) -> None:
        """Forget the instances of series that were taken that long ago, and what aborted transfers left."""
        self._accepted.forget(_DAY * days)
        for path in (self / "partial").iterdir():
            if time.time() - path.stat().st_mtime > _DAY:
                path.unlink()


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # moved on meanwhile
        return []


def _files(folder: Path) -> Iterator[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names)


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
