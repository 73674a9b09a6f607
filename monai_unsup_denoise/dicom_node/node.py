"""The node: receives, waits for whole studies, denoises, delivers, each in threads of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from monai_unsup_denoise.dicom_node.completeness import Completeness
from monai_unsup_denoise.dicom_node.counts import Counts
from monai_unsup_denoise.dicom_node.delivery import Delivery
from monai_unsup_denoise.dicom_node.denoising import Denoising, denoising_workers
from monai_unsup_denoise.dicom_node.health import HealthPage
from monai_unsup_denoise.dicom_node.log import log
from monai_unsup_denoise.dicom_node.receiver import Receiver
from monai_unsup_denoise.dicom_node.sender import Sender
from monai_unsup_denoise.dicom_node.settings import NodeSettings
from monai_unsup_denoise.dicom_node.spool import Spool

_TICK = 1.0  # seconds
_MEASURE_EVERY = 30  # ticks
_FORGET_EVERY = 3600  # ticks
_PATIENCE = 60.0  # seconds without a tick, after which the node is not well
_GIGABYTE = 1e9


def open_spool(settings: NodeSettings) -> Spool:
    """The spool of a node.

    Raises:
        InputError: if it cannot be written, or a node has it.
    """
    return Spool(
        settings.spool,
        max_series=settings.max_series,
        max_bytes=settings.max_gigabytes * _GIGABYTE,
        min_free_bytes=settings.min_free_gigabytes * _GIGABYTE,
    )


class _Housekeeping:
    """Finds the complete studies, and measures the spool."""

    def __init__(
        self,
        settings: NodeSettings,
        *,
        spool: Spool,
        completeness: Completeness,
        counts: Counts,
        on_job: Callable[[], None],
    ) -> None:
        self._settings, self._spool, self._completeness = settings, spool, completeness
        self._counts, self._on_job = counts, on_job
        self.last_tick = time.monotonic()
        self._ticks = 0
        self._untaken: list[str] = []  # complete, but the disk refused

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``."""
        while not stop.wait(_TICK):
            self._untaken += self._completeness.complete()
            while self._untaken:
                for job in self._spool.take(self._untaken[0]):
                    self._counts.complete.inc()
                    log("complete", job=job.name, instances=len(list(job.glob("source/*.dcm"))))
                del self._untaken[0]
                self._on_job()
            if self._ticks % _MEASURE_EVERY == 0:
                self._spool.measure()
            if self._ticks % _FORGET_EVERY == 0:
                self._spool.forget(self._settings.remember_days)
            self._ticks += 1
            self.last_tick = time.monotonic()

    def problems(self) -> list[str]:
        """What is wrong, in words for monitoring."""
        full = self._spool.why_full()
        found = [f"no room for new series: {full} full"] if full else []
        if time.monotonic() - self.last_tick > _PATIENCE:
            found.append("complete studies are not taken")
        return found

    def refresh(self) -> None:
        """Set the gauges."""
        for state, number in self._spool.count().items():
            self._counts.series.labels(state).set(number)
        self._counts.series.labels("dead").set(len(self._spool.jobs("dead")))
        self._counts.bytes.set(self._spool.bytes)


@contextmanager
def running_node(
    settings: NodeSettings, *, bundle: Path | None = None, model: Path | None = None, device: str | None = None
) -> Iterator[tuple[int, int]]:
    """A node that runs until the block ends; it yields the ports of DICOM and of the health page.

    What is being denoised or sent when the block ends is done again by the next node with this spool.

    Raises:
        InputError: if the spool, a port, a TLS file, the bundle or the weights cannot be used.
    """
    threads_each = settings.threads or max(1, _processors() // settings.jobs)
    stop, to_denoise = threading.Event(), threading.Event()
    to_deliver = [threading.Event() for _ in settings.destinations]
    senders = [Sender(one, ae_title=settings.ae_title) for one in settings.destinations]

    def on_outgoing() -> None:
        for event in to_deliver:
            event.set()

    with ExitStack() as stack:
        spool, counts = open_spool(settings), Counts()
        stack.callback(spool.close)
        completeness = Completeness(settings.quiet_seconds, interrupted_seconds=settings.interrupted_seconds)
        keeps_source = any(one.originals for one in settings.destinations)
        workers = stack.enter_context(
            denoising_workers(bundle=bundle, model=model, device=device, processes=settings.jobs, threads=threads_each)
        )
        denoising = Denoising(
            spool,
            counts=counts,
            workers=workers,
            jobs=settings.jobs,
            keeps_source=keeps_source,
            on_outgoing=on_outgoing,
        )
        housekeeping = _Housekeeping(
            settings, spool=spool, completeness=completeness, counts=counts, on_job=to_denoise.set
        )
        names = [one.name for one in settings.destinations]
        loops: list[tuple[str, Callable[[], None]]] = [
            ("housekeeping", partial(housekeeping.run, stop)),
            ("denoising", partial(denoising.run, to_denoise, stop)),
        ]
        for destination, sender, more in zip(settings.destinations, senders, to_deliver, strict=True):
            delivery = Delivery(
                destination,
                sender=sender,
                spool=spool,
                counts=counts,
                others=names,
                longest_wait=settings.longest_wait_seconds,
                retry_seconds=3600 * settings.retry_hours,
            )
            loops.append((f"delivery to {destination.name}", partial(delivery.run, more, stop)))
        running = [
            threading.Thread(target=_keep_running, args=(name, loop, stop), name=name, daemon=True)
            for name, loop in loops
        ]
        page = HealthPage(
            settings.health_port, counts=counts, problems=housekeeping.problems, refresh=housekeeping.refresh
        )
        stack.callback(page.close)
        receiver = Receiver(settings, spool=spool, completeness=completeness, counts=counts)

        def end() -> None:
            log("stopping")
            stop.set()
            receiver.close()
            to_denoise.set()
            on_outgoing()
            for thread in running:
                thread.join(_PATIENCE)

        stack.callback(end)
        for study in spool.studies():  # only now can their senders repeat what is missing
            completeness.found(study)
        for thread in running:
            thread.start()
        log("started", port=receiver.port, health_port=page.port, **spool.count())
        yield receiver.port, page.port


def _keep_running(name: str, loop: Callable[[], None], stop: threading.Event) -> None:
    """Run a loop until ``stop``, also after an error, such as a full disk: the other series must not wait for it."""
    while not stop.is_set():
        try:
            loop()
        except Exception as error:  # its text may hold what a header says
            log("error", where=name, kind=type(error).__name__)
            stop.wait(5)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
