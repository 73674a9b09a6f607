"""When a study is complete: DICOM has no message that says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field


@dataclass
class _Arriving:
    last: float
    is_interrupted: bool
    connections: set[Hashable] = field(default_factory=set)  # whose latest instance was of this study


class Completeness:
    """Which of the studies that are arriving are complete.

    A study is complete when nothing has come for ``quiet_seconds``, and no connection is open whose latest instance
    was of this study. If such a connection broke, ``interrupted_seconds`` have to pass instead, so that the sender can
    repeat what is missing: slices at an end that never came would not be noticed later.

    Args:
        quiet_seconds: without a new instance.
        interrupted_seconds: the same after a connection that was not released.
        clock: monotonic, in seconds.
    """

    def __init__(
        self, quiet_seconds: float, *, interrupted_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quiet = quiet_seconds
        self._interrupted = max(quiet_seconds, interrupted_seconds)
        self._clock = clock
        self._studies: dict[str, _Arriving] = {}
        self._refused: set[Hashable] = set()  # connections that an instance was refused to
        self._lock = threading.Lock()

    def found(self, study: str) -> None:
        """A study was in the spool at the start: its connections ended with the process that had them."""
        with self._lock:
            self._studies[study] = _Arriving(self._clock(), is_interrupted=True)

    def arrived(self, study: str, connection: Hashable) -> None:
        """An instance of a study has come."""
        with self._lock:
            for other in self._studies.values():
                other.connections.discard(connection)
            item = self._studies.setdefault(study, _Arriving(self._clock(), is_interrupted=False))
            item.last = self._clock()
            item.connections.add(connection)

    def refused(self, study: str, connection: Hashable) -> None:
        """An instance of a study was refused, and may come again."""
        with self._lock:
            self._refused.add(connection)
            if study in self._studies:
                self._studies[study].last, self._studies[study].is_interrupted = self._clock(), True

    def ended(self, connection: Hashable, *, released: bool) -> None:
        """A connection has ended; if it was not ``released``, it broke.

        A release without a refusal says that the sender has sent all that it wanted to, and ends an earlier
        interruption.
        """
        with self._lock:
            for item in self._studies.values():
                if connection in item.connections:
                    item.connections.discard(connection)
                    item.is_interrupted = not released or connection in self._refused
            self._refused.discard(connection)

    def complete(self) -> list[str]:
        """The studies that are complete now; they are not arriving any more."""
        with self._lock:
            now = self._clock()
            done = [
                study
                for study, item in self._studies.items()
                if not item.connections
                and now - item.last >= (self._interrupted if item.is_interrupted else self._quiet)
            ]
            for study in done:
                del self._studies[study]
            return done
