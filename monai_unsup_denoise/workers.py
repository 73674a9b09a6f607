"""Calls of a function in processes of their own, several at a time.

`concurrent.futures.ProcessPoolExecutor` would give up all calls when one process dies, start processes that import from
the current folder, and have Ctrl-C print a traceback for each.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NoReturn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.lean_imports import lean_imports
from monai_unsup_denoise.process import interruptible

#: Environment variables that set the threads of a process.
THREAD_VARIABLES = [f"{library}_NUM_THREADS" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")]


class WorkerError(Exception):
    """A call failed, with something else than an `InputError`, or its process died; the message is the reason."""


class Workers:
    """Calls ``function`` in up to ``processes`` new processes, each with ``threads`` threads.

    One that dies costs its call alone; another takes its place. All end with the block, in the middle of their calls.

    Raises:
        InputError: if the function cannot be handed to another process.
    """

    def __init__(self, function: Callable[[Any], Any], *, processes: int, threads: int) -> None:
        try:
            self._function = pickle.dumps(function)
        except Exception as error:  # a TorchScript network, for example
            reason = str(error).partition("\n")[0]
            raise InputError(f"jobs: not possible with this model ({reason}); leave it out") from error
        self._threads = threads
        self._pool = ThreadPoolExecutor(processes)  # each thread waits for a process of its own
        self._own = threading.local()
        self._started: list[Any] = []
        self._starting = threading.Lock()
        self._has_ended = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        with self._starting:
            self._has_ended = True
        for process in self._started:
            process.terminate()
        self._pool.shutdown()
        for process in self._started:
            with suppress(OSError), process:  # closes the pipes, and waits
                pass

    def submit(self, argument: Any) -> Future:
        """The future result of a call; it raises the `InputError` of the function, else a `WorkerError`."""
        return self._pool.submit(self._call, argument)

    def _call(self, argument: Any) -> Any:
        is_new = not hasattr(self._own, "process")
        process = self._own.process = self._start() if is_new else self._own.process
        try:
            process.stdin.write(self._function if is_new else b"")
            pickle.dump(argument, process.stdin)
            process.stdin.flush()
            error, result = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            del self._own.process
            raise WorkerError(_why_ended(process.wait())) from None
        if error:
            raise error(result)
        return result

    def _start(self) -> Any:
        # The path first: an interpreter that is given code looks for its imports in the current folder.
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import main; main()"
        with self._starting:
            if self._has_ended:
                raise WorkerError("not started")
            process = subprocess.Popen(
                [sys.executable, "-c", code],
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(self._threads))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent alone, which ends this one
            )
            self._started.append(process)
        return process


def main() -> None:
    """In the new process: take the function, then call it with each argument that comes."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: end with the parent, on Linux at once
    calls, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):  # what libraries print is no result
        os.dup2(nowhere, number)
    with interruptible(), suppress(EOFError):  # the parent has closed the pipe
        signal.signal(signal.SIGTERM, _interrupt_once)
        with lean_imports():
            function = pickle.load(calls)
        while True:
            pickle.dump(call_safely(function, pickle.load(calls)), results)
            results.flush()


def _interrupt_once(number: int, frame: object) -> NoReturn:
    """Linux sends PR_SET_PDEATHSIG for each thread of the parent, and a second one must not stop the cleaning up."""
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def call_safely(function: Callable[[Any], Any], argument: Any) -> tuple[type[Exception] | None, Any]:
    """The result of a call; or the class of the error that the parent raises, and its message."""
    try:
        return None, function(argument)
    except InputError as error:
        return InputError, str(error)
    except Exception as error:
        return WorkerError, f"{type(error).__name__}: {error}"


def _why_ended(code: int) -> str:
    names = {-int(number): number.name for number in signal.Signals}
    how = f"was killed by {names[code]}" if code in names else f"ended with exit code {code}"
    return f"its process {how}, perhaps for lack of memory; denoise fewer scans at a time"
