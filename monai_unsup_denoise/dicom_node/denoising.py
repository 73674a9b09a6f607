"""Denoise the jobs that wait, in processes of their own."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from monai_unsup_denoise.dicom_node.counts import Counts
from monai_unsup_denoise.dicom_node.log import log
from monai_unsup_denoise.dicom_node.spool import ATTEMPTS, DENOISED, REASON, SOURCE, Spool
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.workers import WorkerError, Workers

if TYPE_CHECKING:
    from monai_unsup_denoise.inference.denoiser import Denoiser

_TRIES = 3  # of a job whose process dies
_DISK = "disk"


class Denoising:
    """Takes the jobs in ``waiting`` in their order; denoised ones go to ``outgoing``.

    What cannot be denoised goes there, too, with a reason and without a result: a destination may want the source.

    Args:
        spool: of the node.
        counts: of the node.
        workers: they call `denoise_folder`.
        jobs: at a time.
        keeps_source: whether a destination wants the source.
        on_outgoing: called when a job is outgoing.
    """

    def __init__(
        self,
        spool: Spool,
        *,
        counts: Counts,
        workers: Workers,
        jobs: int,
        keeps_source: bool,
        on_outgoing: Callable[[], None],
    ) -> None:
        self._spool, self._counts, self._workers = spool, counts, workers
        self._jobs, self._keeps_source, self._on_outgoing = jobs, keeps_source, on_outgoing
        self._running: dict[Path, Future] = {}  # outlives a `run` that ends in an error

    def run(self, more: threading.Event, stop: threading.Event) -> None:
        """Denoise until ``stop``; ``more`` is set when there may be a new job."""
        running = self._running
        while not stop.is_set():
            more.clear()
            for job in self._spool.jobs("waiting"):
                if len(running) < self._jobs and job not in running and not self._is_settled(job):
                    running[job] = self._workers.submit(job)
                    running[job].add_done_callback(lambda _: more.set())
            for job in [job for job, result in running.items() if result.done()]:
                self._settle(job, running.pop(job), stop)
                more.set()
            more.wait(10)
        for job in running:  # stopped, which is no fault of theirs
            (job / ATTEMPTS).unlink(missing_ok=True)

    def _is_settled(self, job: Path) -> bool:
        """Whether a job needs no more work: denoised before a crash, late, or the reason of crashes."""
        if (job / REASON).exists():
            self._dead(job, (job / REASON).read_text().strip())
        elif (job / f"{DENOISED}.json").exists():  # written last
            self._denoised(job)
        elif (tries := _tries(job)) >= _TRIES:
            self._dead(job, f"the process ended {tries} times while denoising it; see the memory of the machine")
        else:
            (job / ATTEMPTS).write_text(str(tries + 1))
            return False
        return True

    def _settle(self, job: Path, result: Future, stop: threading.Event) -> None:
        try:
            reason = result.result()
        except (WorkerError, InputError):
            if not stop.is_set():
                log("denoising_failed", job=job.name, tries=_tries(job))
            return  # the next round tries again, or gives up
        if reason == _DISK:
            (job / ATTEMPTS).unlink()
            log("disk_full", job=job.name)
            stop.wait(10)
        elif reason:
            self._dead(job, reason)
        else:
            self._denoised(job)

    def _denoised(self, job: Path) -> None:
        if not self._keeps_source:
            self._spool.remove(job / SOURCE)
        self._spool.move(job, self._spool / "outgoing" / job.name)
        self._counts.denoised.inc()
        log("denoised", job=job.name)
        self._on_outgoing()

    def _dead(self, job: Path, reason: str) -> None:
        (job / REASON).write_text(f"{reason}\n")
        self._spool.move(job, self._spool / "outgoing" / job.name)
        self._counts.dead.labels("denoising").inc()
        log("not_denoised", job=job.name)
        self._on_outgoing()


def denoising_workers(
    *, bundle: Path | None, model: Path | None, device: str | None, processes: int, threads: int
) -> Workers:
    """Processes that have the model loaded, for `Denoising`.

    Raises:
        InputError: for a bundle, weights or a device that is not there.
    """
    function = partial(denoise_folder, bundle=bundle, model=model, device=device)
    workers = Workers(function, processes=processes, threads=threads)
    try:
        workers.submit(None).result()
    except BaseException:
        workers.__exit__()
        raise
    return workers


def denoise_folder(job: Path | None, *, bundle: Path | None, model: Path | None, device: str | None) -> str:
    """Denoise ``job/source`` into ``job/denoised``; None only loads the model.

    Returns:
        Why the series was refused, in one line; empty if it was denoised, ``disk`` if the disk is full.
    """
    from monai_unsup_denoise.inference.scans import denoise_job
    from monai_unsup_denoise.io.dicom import choose_series, find_series
    from monai_unsup_denoise.io.outputs import Job

    denoiser = _denoiser(bundle, model, device)
    if job is None:
        return ""
    source = job / SOURCE
    try:
        series = choose_series(find_series(source, below=False), None, folder=source)
        if series.modality != "MR":
            return "modality is not MR; only MR images are denoised"
        denoise_job(denoiser, Job(source, job / DENOISED, series), overwrite=True)
    except InputError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return _DISK
        return " ".join(str(error).split())
    return ""


@cache
def _denoiser(bundle: Path | None, model: Path | None, device: str | None) -> Denoiser:
    from monai_unsup_denoise.inference.denoiser import Denoiser

    return Denoiser.from_bundle(bundle, model=model, device=device)


def _tries(job: Path) -> int:
    try:
        return int((job / ATTEMPTS).read_text())
    except (OSError, ValueError):
        return 0
