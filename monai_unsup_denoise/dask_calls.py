"""What a worker of a Dask cluster does: load the function once, call it, and say how that went."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Generator
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from typing import Any

from distributed import get_worker

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.lean_imports import lean_imports
from monai_unsup_denoise.workers import call_safely

Steps = Generator[None, None, str]


class PickledFunction:
    """A pickled function. Each worker that receives it loads it when it is called first, and keeps it."""

    def __init__(self, pickled: bytes) -> None:
        self.__setstate__((pickled, __version__))

    def __getstate__(self) -> tuple[bytes, str]:
        return self._pickled, self._version

    def __setstate__(self, state: tuple[bytes, str]) -> None:
        self._pickled, self._version = state
        self._function: Callable[[Any], Steps] | None = None
        self._lock = threading.Lock()

    def __call__(self, item: Any, *, begin: Callable[[], None]) -> str:
        """Take all steps of the call, also in a worker with several threads one at a time; ``begin`` at the first stop.

        Raises:
            InputError: that of the function, or if this worker has another version of the package.
        """
        with self._lock:
            if self._version != __version__:
                ours = f"the command has monai-unsup-denoise {self._version}, a worker {__version__}"
                raise InputError(f"{ours}; install the same one")
            if self._function is None:
                with lean_imports(), redirect_stderr(StringIO()):  # of libraries that tell what they lack
                    self._function = pickle.loads(self._pickled)
            steps = self._function(item)
            stops = 0
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    return end.value
                stops += 1
                if stops == 1:
                    begin()


def received(function: PickledFunction) -> PickledFunction:
    """The function, as a value that Dask keeps on each worker."""
    return function


def call_on_worker(item: Any, number: int, *, function: PickledFunction, run: str) -> None:
    """Call the function, and say to the topic ``run`` when the item is checked and read, and how it ended.

    An error is not raised: Dask would log it, with the names of files.
    """
    worker = get_worker()
    has_begun = False

    def say(what: str, error: str = "", text: str = "") -> None:
        worker.log_event(run, (number, what, (has_begun, error, text)))

    def begin() -> None:
        nonlocal has_begun
        has_begun = True
        say("begun")

    say("starts")
    error, text = call_safely(partial(function, begin=begin), item)
    say("ended", error.__name__ if error else "", text)
