"""Many scans: one after the other or several at a time, whatever becomes of one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.overlap import overlapped
from monai_unsup_denoise.inference.scans import Steps, complete
from monai_unsup_denoise.process import print_line
from monai_unsup_denoise.workers import WorkerError, Workers

Item = TypeVar("Item")
#: Number of an item, and the future that has its line or its error.
Outcomes = Generator[tuple[int, Future], None, None]


def denoise_each(
    items: Sequence[Item],
    denoise: Callable[[Item], Steps],
    *,
    name: Callable[[Item], str],
    jobs: int = 1,
    threads: int | None = None,
    dask: str | None = None,
    on_gpu: bool = False,
    is_done: Callable[[Item], bool] = lambda item: False,
) -> None:
    """Denoise each item, print the lines about them, and go on after a failure.

    The lines come in the order of the items; from a cluster, as the items are done.

    Args:
        items: scans.
        denoise: denoises and writes one of them. With several jobs or a cluster, it goes to other processes, pickled.
        name: of an item, for a failure that does not name it.
        jobs: scans that are computed at a time, each in a process of its own if more than one.
        threads: of each job; by default, the jobs share PyTorch's.
        dask: a cluster that denoises them, as `DaskWorkers` takes it; ``jobs`` is the size of a local one.
        on_gpu: whether each worker of the cluster needs a GPU.
        is_done: whether all outputs of an item are there; asked where a worker is lost.

    Raises:
        InputError: at the end, with a line for each failure; at once, if there is no such cluster.
    """
    jobs = max(1, min(jobs, len(items)))
    use_threads(threads)
    threads_each = threads or max(1, torch.get_num_threads() // jobs)
    if dask is not None and items:
        # Workers elsewhere have another number of cores, which their own settings share.
        denoise = partial(_with_threads, denoise, threads_each if dask == "local" else threads)
        cluster = {"address": dask, "processes": jobs, "threads": threads_each, "on_gpu": on_gpu}
        outcomes = _on_dask(items, denoise, is_done, **cluster)
    elif jobs == 1:
        outcomes = _numbered(overlapped([denoise(item) for item in items]))
    else:
        outcomes = _numbered(_in_processes(items, denoise, jobs, threads_each))
    failures: dict[int, str] = {}
    with (
        closing(outcomes),
        tqdm(outcomes, total=len(items), desc="denoising", unit="scan", disable=sys.stderr is None or None) as bar,
    ):
        for number, outcome in bar:
            try:
                line = outcome.result()
            except InputError as error:
                failures[number] = str(error)
            except WorkerError as error:
                failures[number] = f"{name(items[number])}: {error}"
            except Exception as error:
                failures[number] = f"{name(items[number])}: {type(error).__name__}: {error}"
            else:
                print_line(line or f"{name(items[number])}: done by a worker that was lost then")
    if failures:
        listed = "".join(f"\n  {failures[number]}" for number in sorted(failures))
        raise InputError(f"{len(failures)} of {len(items)} scans could not be denoised:{listed}")


def use_threads(threads: int | None) -> None:
    """Compute with that many threads in this process; None: with as many as PyTorch chooses."""
    if threads is not None:
        torch.set_num_threads(threads)


def _in_processes(
    items: Sequence[Item], denoise: Callable[[Item], Steps], jobs: int, threads: int
) -> Generator[Future, None, None]:
    """As `overlapped`."""
    with Workers(partial(_denoise_one, denoise), processes=jobs, threads=threads) as workers:
        yield from [workers.submit(item) for item in items]


def _numbered(outcomes: Generator[Future, None, None]) -> Outcomes:
    with closing(outcomes):
        yield from enumerate(outcomes)


def _on_dask(
    items: Sequence[Item], denoise: Callable[[Item], Steps], is_done: Callable[[Item], bool], **cluster: Any
) -> Outcomes:
    """As `_numbered`, as they come."""
    from monai_unsup_denoise.dask_workers import DaskWorkers

    with DaskWorkers(denoise, **cluster) as workers:
        yield from workers.outcomes(items, is_done=is_done)


def _with_threads(denoise: Callable[[Item], Steps], threads: int | None, item: Item) -> Steps:
    """As ``denoise``, in a process that is not ours."""
    use_threads(threads)
    return (yield from denoise(item))


def _denoise_one(denoise: Callable[[Item], Steps], item: Item) -> str:
    return complete(denoise(item))
