"""Deliver the outgoing jobs to one destination, for as long as it takes."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

from monai_unsup_denoise.dicom_node.counts import Counts
from monai_unsup_denoise.dicom_node.log import log
from monai_unsup_denoise.dicom_node.sender import AwayError, RefusedError, Sender
from monai_unsup_denoise.dicom_node.settings import Destination
from monai_unsup_denoise.dicom_node.spool import DENOISED, REASON, SOURCE, Spool

_FIRST_WAIT = 1.0  # seconds, after a destination was away; twice as long after each further try
_IDLE = 10.0  # seconds, between two looks at the spool when nothing is announced


class Delivery:
    """Sends the jobs in ``outgoing`` in their order to one destination.

    Beside the files of a job, ``NAME.sent`` lists those that the destination has taken, ``NAME.since`` was written at
    the first failure, and ``NAME.done`` when there is nothing left to send. A job that is done for all destinations is
    removed, or is a dead letter if it has a reason.

    Args:
        destination: where to.
        sender: to it.
        others: the names of all destinations.
        longest_wait: seconds between two tries, at most.
        retry_seconds: from the first failure until a job is given up.
    """

    def __init__(
        self,
        destination: Destination,
        *,
        sender: Sender,
        spool: Spool,
        counts: Counts,
        others: list[str],
        longest_wait: float,
        retry_seconds: float,
    ) -> None:
        self._to, self._sender, self._spool, self._counts, self._others = destination, sender, spool, counts, others
        self._longest_wait, self._retry_seconds = longest_wait, retry_seconds
        self._tries: dict[str, int] = {}  # failed ones, since the start

    def run(self, more: threading.Event, stop: threading.Event) -> None:
        """Deliver until ``stop``; ``more`` is set when there may be a new job."""
        for left in self._spool.jobs("outgoing"):  # one that a node had done when it was killed
            self._leave(left)
        wait = _FIRST_WAIT
        while not stop.is_set():
            more.clear()
            job = self._next()
            if job is None:
                more.wait(_IDLE)
            elif self._deliver(job, stop):
                self._tries.pop(job.name, None)
                wait = _FIRST_WAIT
            else:
                self._tries[job.name] = self._tries.get(job.name, 0) + 1
                stop.wait(wait)
                wait = min(2 * wait, self._longest_wait)

    def _next(self) -> Path | None:
        """The first of the jobs that have been tried least, so that one that fails does not stop the others."""
        with self._spool.finishing:  # so that no job leaves between its name and its state
            jobs = [job for job in self._spool.jobs("outgoing") if not self._file(job, "done").exists()]
        return min(jobs, key=lambda job: (self._tries.get(job.name, 0), job.name), default=None)

    def _deliver(self, job: Path, stop: threading.Event) -> bool:
        """Send what is left of a job; whether there is nothing left to do for it."""
        sent = set(_lines(self._file(job, "sent")))
        files = [path for path in self._files(job) if _name(path) not in sent]
        try:
            if files:
                with open(self._file(job, "sent"), "a", encoding="ascii") as journal:

                    def note(path: Path) -> None:
                        journal.write(f"{_name(path)}\n")
                        journal.flush()  # to the system, which a killed process does not take with it
                        self._counts.sent.labels(self._to.name).inc()
                        if stop.is_set():
                            raise AwayError("stopped")

                    self._sender.send(files, on_sent=note)
        except AwayError as reason:
            if stop.is_set():
                return False
            return self._failed(job, str(reason))
        except RefusedError as reason:
            self._give_up(job, f"{self._to.name} refused it ({reason})")
            return True
        except OSError:  # our own disk
            raise
        except Exception as error:  # a file that is no DICOM any more
            self._give_up(job, f"cannot be sent to {self._to.name} ({type(error).__name__})")
            return True
        self._file(job, "since").unlink(missing_ok=True)
        if files or sent:
            self._counts.delivered.labels(self._to.name).inc()
            log("delivered", job=job.name, destination=self._to.name, instances=len(files))
        self._finish(job)
        return True

    def _files(self, job: Path) -> list[Path]:
        """What this destination gets of a job, the source first."""
        folders = [job / SOURCE] if self._to.originals else []
        folders.append(job / DENOISED)  # which is not there if the series was refused
        return [path for folder in folders for path in sorted(folder.glob("*.dcm"))]

    def _failed(self, job: Path, reason: str) -> bool:
        self._counts.failures.labels(self._to.name).inc()
        log("destination_away", job=job.name, destination=self._to.name, reason=reason)
        since = self._file(job, "since")
        if not since.exists():
            since.touch()
        if time.time() - since.stat().st_mtime < self._retry_seconds:
            return False
        self._give_up(job, f"{self._to.name} did not take it ({reason}) for longer than retry_hours")
        return True

    def _give_up(self, job: Path, reason: str) -> None:
        with open(job / REASON, "a", encoding="utf-8") as text:
            text.write(f"{reason}\n")
        self._file(job, "since").unlink(missing_ok=True)
        self._counts.dead.labels("delivery").inc()
        log("given_up", job=job.name, destination=self._to.name)
        self._finish(job)

    def _finish(self, job: Path) -> None:
        self._file(job, "done").touch()
        self._leave(job)

    def _leave(self, job: Path) -> None:
        """Take a job out of ``outgoing`` if it is done for all destinations."""
        with self._spool.finishing:
            if not all((job / f"{name}.done").exists() for name in self._others):
                return
            if (job / REASON).exists():
                for name in self._others:  # moved back into `outgoing`, it is sent again
                    (job / f"{name}.done").unlink()
                self._spool.move(job, self._spool / "dead" / job.name)
            else:
                self._spool.remove(job)

    def _file(self, job: Path, ending: str) -> Path:
        return job / f"{self._to.name}.{ending}"


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _lines(path: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii").split("\n")[:-1]  # without a line that was cut off
    return []
