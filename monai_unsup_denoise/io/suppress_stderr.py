"""Silence libraries that print on stderr: about missing plugins, about files that our own error names anyway."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()  # of the process's one descriptor 2: threads that overlap would not all put it back


@contextmanager
def suppress_stderr() -> Iterator[None]:
    """Drop what libraries print on stderr, C and C++ ones included; exceptions pass."""
    if sys.stderr is None:  # closed: descriptor 2 may be any file
        yield
        return
    with _LOCK:
        sys.stderr.flush()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)
