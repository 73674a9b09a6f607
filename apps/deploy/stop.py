"""End on a signal, but never in the middle of a file."""

from __future__ import annotations

import os
import signal
import sys
import threading

#: Held while a series is written.
writing = threading.Lock()
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def exit_when_asked() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP end the process, after the series that is being written.

    Called before any other thread exists. The framework ends the process three seconds after a signal, whatever it
    does; Python handles signals in the main thread, which stays in the framework's C++.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    threading.Thread(target=_wait, name="signals", daemon=True).start()


def _wait() -> None:
    number = signal.sigwait(_SIGNALS)
    with writing:
        print("stopped", file=sys.stderr, flush=True)
        os._exit(128 + number)
