"""The benchmark's side of `worker`: start it, ask it, notice its death, start it again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

import monai_unsup_denoise
from monai_unsup_denoise.benchmark.methods import ResolvedMethod

_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
_TIME_TO_END = 10  # seconds, for a process that has closed its answers


class MethodError(Exception):
    """A method gave no result; the message is one clause that says why."""


@dataclass(frozen=True)
class Denoised:
    """What a method gave for one case.

    Attributes:
        volume: ``(X, Y, Z)`` float32, in the units of the noisy one.
        seconds: of the call, wall clock.
        peak_mib: highest resident memory during the call above that before it.
        estimated_sigma: the noise level that the method found, or None.
    """

    volume: np.ndarray
    seconds: float
    peak_mib: float
    estimated_sigma: float | None


class MethodProcess:
    """A method that runs in a process of its own: it may print, raise, crash or be killed.

    The process starts at the first call of :meth:`denoise` and serves the next ones; after a failure the next
    call starts a new one. A method that cannot even be constructed is not tried again.

    Args:
        prepared: the method, its parameters and its interpreter.
        threads: that the method's libraries may use.
    """

    def __init__(self, prepared: ResolvedMethod, *, threads: int = 1) -> None:
        self._request: dict[str, Any] = {"target": prepared.method.target, "parameters": dict(prepared.parameters)}
        self._python = prepared.python or Path(sys.executable)
        self._threads = threads
        self._scratch = tempfile.TemporaryDirectory(prefix="mri_denoise_benchmark_")
        self._folder = Path(self._scratch.name)
        self._process: subprocess.Popen[str] | None = None
        self._startup_error: MethodError | None = None

    def __enter__(self) -> MethodProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._scratch.cleanup()

    def denoise(self, noisy: np.ndarray, sigma: float | None) -> Denoised:
        """Denoise ``noisy`` ``(X, Y, Z)`` float32; takes as long as it takes.

        Raises:
            MethodError: if the method gave no volume of that shape with finite voxels.
        """
        self._start()
        before, after = self._folder / "noisy.npy", self._folder / "denoised.npy"
        np.save(before, noisy)
        try:
            answer = self._ask({"noisy": str(before), "sigma": sigma, "denoised": str(after)})
        except MethodError:
            self._stop()
            raise
        return Denoised(np.load(after), answer["seconds"], answer["peak_mib"], answer["estimated_sigma"])

    def _start(self) -> None:
        if self._startup_error:
            raise self._startup_error
        if self._process:
            return
        # In the scratch folder, because some libraries leave logs where they run. A session of its own, because Ctrl-C
        # is for the benchmark, which then ends this process.
        with (self._folder / "stderr").open("w") as errors:
            self._process = subprocess.Popen(
                [str(self._python), "-m", "monai_unsup_denoise.benchmark.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=self._folder,
                env=self._environment(),
                start_new_session=True,
            )
        try:
            self._ask(self._request)
        except MethodError as failure:
            self._startup_error = failure
            self._stop()
            raise

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        process = self._process
        assert process and process.stdin and process.stdout
        try:
            print(json.dumps(request), file=process.stdin, flush=True)
            answer = json.loads(process.stdout.readline())
        except (OSError, ValueError):
            raise MethodError(self._exit_reason(process)) from None
        if "error" in answer:
            raise MethodError(self._without_folder(answer["error"]))
        return answer

    def _without_folder(self, text: str) -> str:
        """The text with the file of weights by its name alone: it becomes part of a report."""
        weights = self._request["parameters"].get("model")
        return text.replace(weights, Path(weights).name) if weights else text

    def _exit_reason(self, process: subprocess.Popen[str]) -> str:
        try:
            code = process.wait(timeout=_TIME_TO_END)
        except subprocess.TimeoutExpired:
            return "its process lives on, but what it answered cannot be read"
        said = (self._folder / "stderr").read_text(errors="replace").strip().splitlines()
        if code < 0:
            ending = f"killed by {_signal_name(-code)}"
            if -code == getattr(signal, "SIGKILL", None):
                ending += " (perhaps for want of memory)"
        else:
            ending = f"its process ended with exit code {code}"
        return f"{ending}: {self._without_folder(said[-1].strip())}" if said else ending

    def _stop(self) -> None:
        if not self._process:
            return
        _kill_with_children(self._process)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:  # the rest of a request that nobody read
                    pass
        self._process = None

    def _environment(self) -> dict[str, str]:
        given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        path = [str(self._library()), *(str(Path(folder).absolute()) for folder in given)]
        threads = dict.fromkeys(_THREADS, str(self._threads))
        return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(path)}

    def _library(self) -> Path:
        """A folder to import our package from.

        Another interpreter gets one with nothing else in it: beside an installed package lie all the others of this
        interpreter, which would come before its own.
        """
        package = Path(monai_unsup_denoise.__file__).resolve().parent
        if self._python == Path(sys.executable):
            return package.parent
        library = self._folder / "library"
        if not library.exists():
            library.mkdir()
            (library / package.name).symlink_to(package, target_is_directory=True)
        return library


def _kill_with_children(process: subprocess.Popen[str]) -> None:
    """End a process and what it started; being the first of a session, it is the first of a group too."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, OSError):  # no such thing as groups here, or nobody left in this one
        process.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
