"""Damaged scans by the thousand: input n of a seed is always the same."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.reliability.damage_bytes import DAMAGE, GZIP, Damage
from tests.reliability.damage_dicom import DICOM
from tests.reliability.damage_fields import FIELDS, MGH_FIELDS, TEXT, VALUES
from tests.reliability.good_files import FORMATS, write_good
from tests.reliability.identity import identity_denoiser
from tests.reliability.verdicts import Verdict, judge, read

#: Without an answer for so long, in seconds, a process is stopped: it hangs.
PATIENCE = 40


@dataclass(frozen=True)
class Tried:
    """An input and its verdict."""

    number: int
    form: str
    kind: str
    verdict: Verdict


@dataclass
class _Worker:
    """A process, and the inputs that it has still to try."""

    pid: int
    reader: int
    batch: list[int]
    since: float = field(default_factory=time.monotonic)
    rest: bytes = b""


def kinds_of(form: str) -> dict[str, Damage]:
    """The kinds of damage that a format can have."""
    kinds = dict(DAMAGE)
    if form.endswith("gzip") and not form.startswith("nrrd") or form == "mgz":
        kinds |= GZIP
    if form.startswith(("nifti", "analyze")):
        kinds |= FIELDS
    if form in ("mgh", "mgz"):
        kinds |= MGH_FIELDS
    if form in ("nifti", "nifti gzip", "mgh", "mgz"):
        kinds |= VALUES
    if form.startswith(("nrrd", "mha", "mhd")):
        kinds |= TEXT
    if form.startswith("dicom"):
        kinds |= DICOM
    return kinds


class Fuzz:
    """Makes input n of a seed, tries it, and judges.

    Args:
        seed: of all that is random.
        folder: for the undamaged scans, which stay, and the damaged ones, which do not.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.folder = folder
        self.denoiser = identity_denoiser()
        self.good = {name: write_good(folder / "good" / name, name) for name in FORMATS}
        self.truth = {name: read(path) for name, path in self.good.items()}

    def choose(self, number: int) -> tuple[str, str, np.random.Generator]:
        """Format and kind of damage of an input, and where to go on drawing."""
        rng = np.random.default_rng([self.seed, number])
        form = list(self.good)[number % len(self.good)]
        kinds = list(kinds_of(form))
        return form, kinds[rng.integers(len(kinds))], rng

    def try_one(self, number: int) -> Tried:
        """Input ``number``, tried."""
        form, kind, rng = self.choose(number)
        case = Path(tempfile.mkdtemp(dir=self.folder))
        try:
            shutil.copytree(self.good[form].parent, case / "in")
            scan = case / "in" / self.good[form].name
            rule = kinds_of(form)[kind](rng, scan)
            to_volume = number // len(self.good) % 2 == 0
            verdict = judge(self.denoiser, scan, rule=rule, undamaged=self.truth[form], to_volume=to_volume)
        finally:
            shutil.rmtree(case, ignore_errors=True)
        return Tried(number, form, kind, verdict)

    def try_all(self, numbers: list[int], *, processes: int = 2) -> Iterator[Tried]:
        """Each input, tried in one of some processes: one that crashes or hangs is an escape, and the rest go on."""
        waiting, workers = list(reversed(numbers)), {}
        while waiting or workers:
            while waiting and len(workers) < processes:
                worker = self._start([waiting.pop() for _ in range(min(50, len(waiting)))])
                workers[worker.reader] = worker
            ready, _, _ = select.select(list(workers), [], [], 1)
            for worker in (workers[reader] for reader in ready):
                received = os.read(worker.reader, 65536)
                *lines, worker.rest = (worker.rest + received).split(b"\n")
                for number, outcome, words in map(json.loads, lines):
                    worker.batch.remove(number)
                    yield self._tried(number, Verdict(outcome, words))
                worker.since = time.monotonic()
                if not received:
                    del workers[worker.reader]
                    os.close(worker.reader)
                    _, status = os.waitpid(worker.pid, 0)
                    if worker.batch:
                        yield self._tried(worker.batch[0], Verdict("escape", f"ended the process, status {status}"))
                        waiting += reversed(worker.batch[1:])
            for worker in workers.values():
                if time.monotonic() - worker.since > PATIENCE:
                    os.kill(worker.pid, signal.SIGKILL)

    def _tried(self, number: int, verdict: Verdict) -> Tried:
        return Tried(number, *self.choose(number)[:2], verdict)

    def _start(self, batch: list[int]) -> _Worker:
        """A copy of this process that tries a batch and answers through a pipe."""
        reader, writer = os.pipe()
        if pid := os.fork():
            os.close(writer)
            return _Worker(pid, reader, batch)
        try:
            for number in batch:
                verdict = self.try_one(number).verdict
                os.write(writer, json.dumps([number, verdict.outcome, verdict.words[:500]]).encode() + b"\n")
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
