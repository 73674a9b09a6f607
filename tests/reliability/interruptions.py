"""Writes that are killed or cut short: at every change to the disk, and at many limits of a file's size.

After each, every output is whole (the earlier one or the new one) or not there, and the next run puts all in order.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.scans import denoise_job
from monai_unsup_denoise.io.outputs import Job, map_path, plan_jobs, sidecar_path
from tests.reliability.good_files import write_good
from tests.reliability.identity import identity_denoiser
from tests.reliability.traced import traced
from tests.reliability.verdicts import read, snapshot

#: Format of the scan, name of the output, maps.
WRITES = [
    ("nifti", "x.nii", ()),
    ("nifti gzip", "x.nii.gz", ()),
    ("nifti gzip", "x.nii.gz", ("residual",)),
    ("nrrd", "x.nrrd", ()),
    ("mha", "x.mha", ()),
    ("mgz", "x.mgz", ()),
    ("dicom", "x", ()),
    ("dicom", "x", ("residual",)),
    ("dicom", "x.nii.gz", ()),
]


@dataclass(frozen=True)
class Interruption:
    """What was done to a write, what came of it, and what was wrong then; empty if nothing."""

    kind: str
    write: str
    point: int
    outcome: str
    problem: str


class Interrupter:
    """Writes one scan in one format, into an empty folder or over an earlier output, and interrupts that.

    Args:
        folder: for all files.
        scan_format, output, maps: of `WRITES`.
        overwrite: whether an earlier output is there.
    """

    def __init__(
        self, folder: Path, scan_format: str, output: str, maps: tuple[str, ...], *, overwrite: bool = False
    ) -> None:
        self.folder, self.output, self.maps, self.overwrite = folder, output, maps, overwrite
        self.scan = write_good(folder / "scan", scan_format)
        self.name = f"{scan_format} to {output}{' with a map' * bool(maps)}{', over an earlier one' * overwrite}"
        self.earlier, self.denoiser = (identity_denoiser(factor, maps=maps) for factor in (0.5, 1.0))
        self.before = folder / "before"
        self.before.mkdir()
        if overwrite:
            denoise_job(self.earlier, self._job(self.before))
        whole = folder / "whole"
        denoise_job(self.denoiser, self._job(whole))
        self.sizes = [path.stat().st_size for path in whole.rglob("*") if path.is_file()]
        self.expected = {path.name: self._content(path) for path in self._outputs(whole)}
        self.old = {path.name: self._content(path) for path in self._outputs(self.before)}

    def steps(self) -> list[str]:
        """The changes to the disk of one write, by name."""
        with self._case() as out:
            return traced(lambda: self._write(out), out) or []

    def kill_at(self, point: int) -> Interruption:
        """Kill the writing process before its change number ``point``, look, and write again."""
        with self._case() as out:
            traced(lambda: self._write(out), out, kill_at=point)
            problem = self._look(out) or self._write_again(out)
        return Interruption("killed before a change to the disk", self.name, point, "", problem)

    def limit_to(self, size: int) -> Interruption:
        """Let no file grow beyond ``size`` bytes."""
        with self._case() as out:
            before = snapshot(out)
            words = self._limited(out, size)
            problem = ""
            if words is None:
                problem = self._look(out, complete=True)
            elif "\n" in words or not words.startswith(f"{out}{os.sep}"):
                problem = f"no line that names the output: {words[:200]}"
            elif snapshot(out) != before:
                problem = f"refused, but left {sorted(set(snapshot(out)) - set(before))}"
            problem = problem or self._write_again(out)
        outcome = "unchanged" if words is None else "refused"
        return Interruption("size of files limited", self.name, size, outcome, problem)

    def _job(self, out: Path) -> Job:
        [job] = plan_jobs(self.scan, str(out / self.output) + (os.sep if "." not in self.output else ""))[0]
        return replace(job, output=out / self.output)

    def _write(self, out: Path) -> None:
        denoise_job(self.denoiser, self._job(out), overwrite=self.overwrite)

    def _limited(self, out: Path, size: int) -> str | None:
        """What the write says in a process with that limit; None if it succeeds."""
        reader, writer = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(reader)
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
                self._write(out)
            except InputError as error:
                os.write(writer, str(error).encode()[:4000])
            except BaseException as error:
                os.write(writer, f"{type(error).__name__}\n{error}".encode()[:4000])
            else:
                os.write(writer, b"\0")
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            words = pipe.read().decode()
        os.waitpid(pid, 0)
        return None if words == "\0" else words or "the process\ncrashed"

    def _look(self, out: Path, *, complete: bool = False) -> str:
        """What is wrong with the visible files: one that is neither whole nor absent, or one too many."""
        for path in out.iterdir():
            if path.name.startswith("."):
                if complete:
                    return f"left {path.name}"
                continue
            if path.name not in self.expected:
                return f"wrote {path.name}"
            content = self._content(path)
            if not self._same(content, self.expected[path.name]) and not (
                path.name in self.old and self._same(content, self.old[path.name])
            ):
                return f"{path.name} is not whole"
        if complete and not all(
            self._same(self._content(path), self.expected[path.name]) for path in self._outputs(out, must_exist=True)
        ):
            return "not the new output"
        return ""

    def _write_again(self, out: Path) -> str:
        """What is wrong after the next run, which cleans up and succeeds, or says that all is there."""
        try:
            self._write(out)
        except InputError as error:
            if self.overwrite or not ("exists already" in str(error) or "holds a series already" in str(error)):
                return f"the next run fails: {error}"
        return self._look(out, complete=True)

    def _outputs(self, out: Path, *, must_exist: bool = False) -> list[Path]:
        output = out / self.output
        paths = [output, sidecar_path(output), *(map_path(output, name) for name in self.maps)]
        return [path for path in paths if must_exist or path.exists()]

    def _content(self, path: Path) -> np.ndarray | bytes | None:
        """The voxels, or the text; None if they cannot be read, which is not whole."""
        try:
            return path.read_bytes() if path.suffix == ".json" else read(path)[0]
        except Exception:
            return None

    @staticmethod
    def _same(first: np.ndarray | bytes | None, second: np.ndarray | bytes | None) -> bool:
        if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
            return first.shape == second.shape and bool(np.allclose(first, second, rtol=0, atol=0.1))
        return first is not None and type(first) is type(second) and first == second

    def _case(self) -> tempfile.TemporaryDirectory:
        return _Case(self.before, self.folder)


class _Case(tempfile.TemporaryDirectory):
    """A folder for one write, with a copy of what was there before."""

    def __init__(self, before: Path, folder: Path) -> None:
        super().__init__(dir=folder)
        self.before = before

    def __enter__(self) -> Path:  # type: ignore[override]
        out = Path(self.name, "out")
        shutil.copytree(self.before, out)
        return out


def interruptions(
    folder: Path,
    write: tuple[str, str, tuple[str, ...]],
    *,
    overwrite: bool,
    limits: int = 12,
    points: int | None = None,
) -> list[Interruption]:
    """Kill points (all, or so many) and so many limits of one of `WRITES`, fresh or over an earlier output."""
    interrupter = Interrupter(folder, *write, overwrite=overwrite)
    steps = len(interrupter.steps())
    chosen = np.unique(np.linspace(0, steps - 1, points or steps, dtype=int)) if steps else []
    sizes = np.linspace(0, max(interrupter.sizes) + 1, limits, dtype=int)
    return [interrupter.kill_at(int(point)) for point in chosen] + [interrupter.limit_to(int(size)) for size in sizes]
