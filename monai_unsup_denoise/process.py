"""The process we run in: its streams and its signals."""

import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from tqdm import tqdm


def open_streams() -> None:
    """Make the standard streams usable: closed ones go nowhere, and no character is beyond their encoding."""
    for number in (0, 1, 2):  # else the next file that is opened takes the number, and what is printed
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_line(line: str) -> None:
    """Print beside a progress bar; that nobody can read it is no error."""
    if sys.stdout is not None:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        with suppress(OSError, ValueError):
            tqdm.write(printable(line).encode(encoding, "backslashreplace").decode(encoding))


def printable(text: str) -> str:
    """``text`` with its control characters escaped, which in a file name would command the terminal or break a line.

    Line breaks stay where a list is indented.
    """
    return re.sub(r"(?!\n  \S)[\x00-\x1f\x7f-\x9f]", lambda found: ascii(found[0])[1:-1], text)


def interrupt_on_signals() -> dict[int, Any]:
    """From now on SIGTERM and SIGHUP end this process as Ctrl-C does, so that files in work are removed.

    Returns:
        The handlers that were replaced: not those of others, or under nohup, or outside the main thread.
    """
    before: dict[int, Any] = {}
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = _interrupt_again
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, _interrupt)
    return before


@contextmanager
def interruptible() -> Iterator[None]:
    """`interrupt_on_signals` for the block."""
    hook = sys.unraisablehook
    before = interrupt_on_signals()
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _interrupt_again(dropped: "sys.UnraisableHookArgs") -> None:
    """Repeat a signal whose exception Python dropped, since it came in a destructor or while a worker was forked."""
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    number = signal.Signals.__members__.get(str(dropped.exc_value), signal.SIGINT)
    again = threading.Timer(0.05, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()
