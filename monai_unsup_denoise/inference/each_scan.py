"""Many scans: one after the other or several at a time, whatever becomes of one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import TypeVar

import torch
from tqdm import tqdm

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.overlap import overlapped
from monai_unsup_denoise.inference.scans import Steps, complete
from monai_unsup_denoise.process import print_line
from monai_unsup_denoise.workers import WorkerError, Workers

Item = TypeVar("Item")


def denoise_each(
    items: Sequence[Item],
    denoise: Callable[[Item], Steps],
    *,
    name: Callable[[Item], str],
    jobs: int = 1,
    threads: int | None = None,
) -> None:
    """Denoise each item, print the lines about them in their order, and go on after a failure.

    Args:
        items: scans.
        denoise: denoises and writes one of them. With several jobs, it goes to other processes, pickled.
        name: of an item, for a failure that does not name it.
        jobs: scans that are computed at a time, each in a process of its own if more than one.
        threads: of each job; by default, the jobs share PyTorch's.

    Raises:
        InputError: at the end, with a line for each failure.
    """
    jobs = max(1, min(jobs, len(items)))
    use_threads(threads)
    if jobs == 1:
        outcomes = overlapped([denoise(item) for item in items])
    else:
        outcomes = _in_processes(items, denoise, jobs, threads or max(1, torch.get_num_threads() // jobs))
    failures = []
    with (
        closing(outcomes),
        tqdm(outcomes, total=len(items), desc="denoising", unit="scan", disable=sys.stderr is None or None) as bar,
    ):
        for item, outcome in zip(items, bar, strict=True):
            try:
                line = outcome.result()
            except InputError as error:
                failures.append(str(error))
            except WorkerError as error:
                failures.append(f"{name(item)}: {error}")
            except Exception as error:
                failures.append(f"{name(item)}: {type(error).__name__}: {error}")
            else:
                print_line(line)
    if failures:
        listed = "".join(f"\n  {failure}" for failure in failures)
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


def _denoise_one(denoise: Callable[[Item], Steps], item: Item) -> str:
    return complete(denoise(item))
