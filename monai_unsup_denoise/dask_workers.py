"""Calls of a function on the workers of a Dask cluster, one at a time on each.

As `workers.py`, on other machines too. A worker that is lost costs nothing: Dask makes its calls elsewhere.
"""

from __future__ import annotations

import logging
import pickle
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import dask
from distributed import Client, KilledWorker, LocalCluster, Security, as_completed

from monai_unsup_denoise.dask_calls import PickledFunction, Steps, call_on_worker, received
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.workers import THREAD_VARIABLES, WorkerError

Item = TypeVar("Item")

LOCAL = "local"
# The function goes to the scheduler once, with its weights; Dask would warn of its size.
_CONFIG = {"distributed.admin.large-graph-warning-threshold": "1GB"}

#: How often a call that Dask has given up is returned to it, because the call itself has not started that often.
_MOST_RETURNS = 10


class DaskWorkers:
    """Calls ``function`` on the workers of the cluster at ``address``.

    Args:
        function: takes an item, and stops once it has checked and read it; later stops do not matter; returns a line.
        address: of a scheduler (``tcp://host:8786``), its scheduler file (``.json``), or ``local`` for workers on this
            machine, which end with the block.
        processes: workers of a local cluster.
        threads: of each worker of a local cluster.
        on_gpu: call it only on workers that offer the resource GPU, each of which takes one.

    Raises:
        InputError: if the function cannot be handed to another process, no scheduler answers, or none of its workers
            has a GPU.
    """

    def __init__(
        self, function: Callable[[Any], Steps], *, address: str, processes: int, threads: int, on_gpu: bool = False
    ) -> None:
        self._option = f"--dask {address}"
        try:
            self._function = PickledFunction(pickle.dumps(function))
        except Exception as error:  # a TorchScript network, for example
            reason = str(error).partition("\n")[0]
            raise InputError(f"{self._option}: not possible with this model ({reason}); leave it out") from error
        self._resources = {"GPU": 1} if on_gpu else None
        self._run = f"mri-denoise-{uuid.uuid4().hex[:8]}"
        self._starts: Counter[int] = Counter()
        self._begun: set[int] = set()
        self._returned: Counter[int] = Counter()
        self._ended: dict[int, tuple[bool, str, str]] = {}
        self._cluster = _local_cluster(processes, threads, self._resources) if address == LOCAL else None
        try:
            self._client = self._connect(address)
        except BaseException:
            if self._cluster:
                self._cluster.close()
            raise

    def __enter__(self) -> DaskWorkers:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()  # the scheduler then drops the calls that have not begun
        if self._cluster:
            self._cluster.close()

    def outcomes(
        self, items: Sequence[Item], *, is_done: Callable[[Item], bool]
    ) -> Generator[tuple[int, Future], None, None]:
        """Number and outcome of each item, a line about it, as they come.

        The outcome raises the `InputError` of the function, else another error. A worker may be lost when it has done
        an item and the cluster does not know yet. The function is then called again, and may refuse to do it twice;
        where ``is_done`` says that all it writes is there, the outcome is None.

        Raises:
            InputError: if the scheduler ends.
        """
        self._client.subscribe_topic(self._run, self._note)
        with dask.config.set(_CONFIG):
            # Kept by the scheduler, which a value that is scattered would not be: it outlives all workers.
            function = self._client.submit(received, self._function, key=f"{self._run}-function")
            calls = self._client.map(
                call_on_worker,
                items,
                range(len(items)),
                key=[(self._run, number) for number in range(len(items))],
                resources=self._resources,
                function=function,
                run=self._run,
            )
        completed = as_completed(calls)
        del calls  # so that the cluster forgets each result that has been taken
        for call in completed:
            number = call.key[1]
            if call.cancelled():
                what = "start it and give the command again: what is written stays"
                raise InputError(f"{self._option}: the scheduler has ended; {what}")
            if self._is_innocent(call, number):
                call.retry()
                completed.add(call)
                continue
            outcome: Future[str | None] = Future()
            try:
                outcome.set_result(self._line(call, number, partial(is_done, items[number])))
            except Exception as error:
                outcome.set_exception(error)
            yield number, outcome

    def _is_innocent(self, call: Any, number: int) -> bool:
        """Whether Dask has given up a call that only waited, while others killed the workers where it did so."""
        if number in self._ended or call.status != "error" or not isinstance(call.exception(), KilledWorker):
            return False
        self._returned[number] += 1
        return self._starts[number] <= call.exception().allowed_failures and self._returned[number] <= _MOST_RETURNS

    def _line(self, call: Any, number: int, is_done: Callable[[], bool]) -> str | None:
        if number not in self._ended:
            try:
                call.result()
            except KilledWorker as killed:
                reason = f"its worker was lost {killed.allowed_failures + 1} times, perhaps for lack of memory"
                raise WorkerError(f"{reason}; give the workers more") from None
        had_begun, error, text = self._ended.pop(number)
        if error == InputError.__name__ and not had_begun and number in self._begun and is_done():
            return None
        if error:
            raise {InputError.__name__: InputError}.get(error, WorkerError)(text)
        return text

    def _note(self, event: tuple[float, tuple[int, str, tuple[bool, str, str]]]) -> None:
        """What a worker says of an item: that it starts, that it has begun to compute, and how it ended.

        The outcome comes this way, not as the value of the call, which would be lost with its worker.
        """
        number, what, (had_begun, error, text) = event[1]
        if what == "starts":
            self._starts[number] += 1
        elif what == "begun":
            self._begun.add(number)
        else:
            self._ended.setdefault(number, (had_begun, error, text))  # not that of a second call

    def _connect(self, address: str) -> Client:
        try:
            if self._cluster:
                client = Client(self._cluster)
            elif address.endswith(".json"):
                open(address).close()  # for one that is not there, Dask would wait
                client = Client(scheduler_file=address)
            else:
                client = Client(address)
        except (OSError, ValueError, TypeError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(f"{self._option}: no scheduler answers ({reason}); give its address, or local") from error
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        if workers and self._resources and not any("GPU" in worker["resources"] for worker in workers):
            client.close()
            raise InputError(f"{self._option}: no worker offers a GPU; start the workers with --resources GPU=1")
        if not workers:
            print(f"warning: {self._option}: no worker yet; waiting for the first one", file=sys.stderr)
        return client


def _local_cluster(processes: int, threads: int, resources: dict[str, int] | None) -> LocalCluster:
    """Workers on this machine, which no other user can reach: the connections are encrypted with keys of this run."""
    no_pages: dict[str, list[str]] = {f"distributed.{part}.http.routes": [] for part in ("scheduler", "worker")}
    with dask.config.set(no_pages):
        return LocalCluster(
            n_workers=processes,
            threads_per_worker=1,
            host="127.0.0.1",
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},  # a free port, with no pages
            memory_limit=None,  # a scan that does not fit is refused by itself
            security=Security.temporary(),
            silence_logs=logging.CRITICAL + 1,  # nothing: at an interruption the scheduler may find its client gone
            env=dict.fromkeys(THREAD_VARIABLES, str(threads)),
            resources=resources,
        )
