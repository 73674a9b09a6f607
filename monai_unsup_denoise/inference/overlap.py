"""Scans one after the other: the next one is read, and the last one written, while this one is computed."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import torch

from monai_unsup_denoise.inference.scans import Steps


def overlapped(scans: Sequence[Steps]) -> Generator[Future, None, None]:
    """The outcome of each scan, a line about it, in order.

    Computing stays in this thread, where a signal ends it at once. One other thread writes the last scan, then reads
    the next, so that no more than three are in memory. What is computed is written, also after a signal.
    """
    # Its number of threads would else be that which new threads get just then, and the last bits vary with it.
    other = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(torch.get_num_threads(),))
    read: Future | None = None
    last: Future | None = None
    try:
        for scan, following in zip(scans, (*scans[1:], None), strict=False):
            outcome = read or _here(scan)
            read = other.submit(_step, following) if following else None
            if _is_on_its_way(outcome):
                outcome = _here(scan)
            if last:
                wait([last])
                yield last
            if _is_on_its_way(outcome):
                outcome = other.submit(_step, scan) if following else _here(scan)
            last = outcome
        if last:
            yield last
    finally:
        if read:
            read.cancel()
        other.shutdown()


def _step(steps: Steps) -> str | None:
    """Take the next step of a scan; the line about it if that was the last."""
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    return None


def _here(steps: Steps) -> Future:
    """`_step` in this thread."""
    outcome: Future[str | None] = Future()
    try:
        outcome.set_result(_step(steps))
    except Exception as error:
        outcome.set_exception(error)
    return outcome


def _is_on_its_way(outcome: Future) -> bool:
    return outcome.exception() is None and outcome.result() is None
