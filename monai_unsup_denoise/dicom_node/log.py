"""The log: one JSON object a line, of events and numbers, never of what a header says."""

from __future__ import annotations

import json
import sys
import threading
from contextlib import suppress
from datetime import datetime, timezone

_lock = threading.Lock()


def log(event: str, **fields: str | int | float) -> None:
    """Write a line to standard error: ``{"time": ..., "event": ..., ...}``.

    Callers give names of jobs, destinations and AE titles, counts and statuses; no UIDs, no texts of headers or errors.
    """
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    line = json.dumps({"time": now, "event": event, **fields})
    with _lock, suppress(OSError, ValueError):  # that nobody reads it must not stop the node
        print(line, file=sys.stderr, flush=True)
