"""Damaged scans by the thousand: ``python -m tests.reliability.fuzz``, or ``make fuzz``.

Input n of seed s is always the same: ``--seed s --only n`` tries it again and says what comes of it.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

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
        skip = os.environ.get("FUZZ_SKIP", "").split(",")
        self.good = {name: write_good(folder / "good" / name, name) for name in FORMATS if name not in skip}
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
                batch = [waiting.pop() for _ in range(min(50, len(waiting)))]
                reader, pid = self._start(batch)
                workers[reader] = (pid, batch, time.monotonic())
            ready, _, _ = select.select(list(workers), [], [], 1)
            for reader in ready:
                pid, batch, _ = workers[reader]
                if line := os.read(reader, 4096):
                    for answer in line.decode().splitlines():
                        number, outcome, words = json.loads(answer)
                        batch.remove(number)
                        yield self._tried(number, Verdict(outcome, words))
                    workers[reader] = (pid, batch, time.monotonic())
                else:
                    del workers[reader]
                    os.close(reader)
                    _, status = os.waitpid(pid, 0)
                    if batch:
                        yield self._tried(batch[0], Verdict("escape", f"ended the process, status {status}"))
                        waiting += reversed(batch[1:])
            for pid, _, since in list(workers.values()):
                if time.monotonic() - since > PATIENCE:
                    os.kill(pid, signal.SIGKILL)

    def _tried(self, number: int, verdict: Verdict) -> Tried:
        return Tried(number, *self.choose(number)[:2], verdict)

    def _start(self, batch: list[int]) -> tuple[int, int]:
        """A copy of this process that tries a batch; its answers come from the pipe."""
        reader, writer = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writer)
            return reader, pid
        for number in batch:
            verdict = self.try_one(number).verdict
            os.write(writer, (json.dumps([number, verdict.outcome, verdict.words[:700]]) + "\n").encode()[:4096])
        os._exit(0)


def table(tried: list[Tried]) -> list[dict[str, object]]:
    """For each kind of damage: tried, refused, read unchanged, read as the file says, escapes."""
    rows = []
    for kind in sorted({each.kind for each in tried}):
        count = Counter(each.verdict.outcome for each in tried if each.kind == kind)
        columns = {name.replace(" ", "_"): count[name] for name in ("refused", "unchanged", "as it says", "escape")}
        rows.append({"kind": kind, "tried": sum(count.values()), **columns})
    return rows


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--inputs", type=int, default=6000)
    parser.add_argument("--only", type=int, help="the number of one input, to try it again")
    parser.add_argument("--keep", type=Path, help="where to leave the escapes' numbers and words, as JSON lines")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="fuzz_") as folder:
        fuzz = Fuzz(options.seed, Path(folder))
        if options.only is not None:
            print(fuzz.try_one(options.only))
            return 0
        tried = list(fuzz.try_all(list(range(options.inputs))))
    for row in table(tried):
        print(row)
    for each in sorted(tried, key=lambda each: (each.kind, each.form)):
        if each.verdict.outcome == "escape":
            print(each)
    return 0


if __name__ == "__main__":
    sys.exit(main())
