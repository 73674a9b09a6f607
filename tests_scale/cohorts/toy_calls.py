"""Functions for workers, which die, fail, wait, or leave a trace of having been called or loaded."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Generator
from pathlib import Path

from monai_unsup_denoise.errors import InputError

Steps = Generator[None, None, str]


class Loaded:
    """Leaves a file for each time it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__dict__.update(state)
        (self.folder / f"loaded_{os.getpid()}_{time.monotonic_ns()}").touch()

    def __call__(self, item: int) -> Steps:
        time.sleep(0.1)  # so that times of files, which are coarse, differ between calls
        (self.folder / f"begins_{item}").touch()
        yield
        time.sleep(0.2)
        (self.folder / f"ends_{item}").touch()
        return f"{item} {os.getpid()}"


def write_and_die(path: Path) -> Steps:
    """Write what may be written once, and die before anybody knows; refuse to write it again."""
    if path.exists():
        raise InputError(f"{path}: exists already; give another")
    yield
    time.sleep(0.5)
    path.touch()
    os.kill(os.getpid(), signal.SIGKILL)
    yield
    return "never said"


def act(what: object) -> Steps:
    """Do what is said."""
    if what == "refuse":
        raise InputError("scan: wrong; give another")
    if what == "die":
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "wait":
        time.sleep(600)
    yield
    if what == "fail":
        raise ZeroDivisionError("a defect")
    return str(what)
