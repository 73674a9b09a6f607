"""One call of a denoising method in a process of its own: it may print, raise, crash or be killed.

`run_method` starts this module in the environment of the method. Both sides exchange files in a temporary folder,
the working directory of the process: `job.json`, `noisy.npy` and perhaps `spectrum.npy` in, `answer.json` and
`denoised.npy` out. Standard library and NumPy only: the environment of a method need not have our dependencies.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_THREADS = [f"{library}_NUM_THREADS" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR")]
_THREADS += ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"]


class MethodError(Exception):
    """A method gave no result; the message is the reason, one clause."""


@dataclass(frozen=True)
class Denoised:
    """The result of one call.

    Attributes:
        volume: ``(X, Y, Z)`` float32, in the units of the noisy one.
        seconds: wall-clock time of the call, without imports and construction.
        peak_mib: highest resident memory during the call above that before it; NaN where the system is not Linux.
        estimated_sigma: the method's own estimate, or None.
        estimated_lag1: its estimate of the correlation of neighbours along each axis, or None.
    """

    volume: np.ndarray
    seconds: float
    peak_mib: float
    estimated_sigma: float | None
    estimated_lag1: list[float] | None = None


def run_method(
    target: str,
    parameters: Mapping[str, Any],
    noisy: np.ndarray,
    sigma: float | None,
    *,
    spectrum: np.ndarray | None = None,
    python: Path = Path(sys.executable),
    threads: int = 1,
    tick: Callable[[], object] = lambda: None,
) -> Denoised:
    """Construct a method and call it once, without a time limit.

    Args:
        target: dotted path of its class.
        parameters: of its constructor.
        noisy: ``(X, Y, Z)`` float32.
        sigma: second argument of the call.
        spectrum: third argument, if it is given.
        python: interpreter of its environment.
        threads: that its libraries may use.
        tick: called every second.

    Raises:
        MethodError: if it gives no volume of that shape with finite voxels.
    """
    with tempfile.TemporaryDirectory(prefix="mri_denoise_benchmark_") as name:
        folder = Path(name)
        np.save(folder / "noisy.npy", noisy)
        if spectrum is not None:
            np.save(folder / "spectrum.npy", spectrum)
        (folder / "job.json").write_text(json.dumps({"target": target, "parameters": parameters, "sigma": sigma}))
        code = _run(folder, python, threads, tick)
        if (folder / "answer.json").exists():
            answer = json.loads((folder / "answer.json").read_text())
        else:
            answer = {"error": _exit_reason(code, (folder / "stderr").read_text(errors="replace"))}
        if "error" in answer:
            weights = str(parameters.get("model", ""))  # a report names the file, not its folder
            raise MethodError(answer["error"].replace(weights or "\0", Path(weights).name))
        return Denoised(np.load(folder / "denoised.npy"), **answer)


def main() -> None:
    """Run the job in the current folder."""
    _end_with_parent()
    folder = Path.cwd()
    job = json.loads((folder / "job.json").read_text())
    try:
        answer = _denoise(folder, **job)
    except Exception as error:
        traceback.print_exc()
        answer = {"error": f"{type(error).__name__}: {error}".strip().rstrip(":").splitlines()[0]}
    (folder / "answer.json").write_text(json.dumps(answer))


def _run(folder: Path, python: Path, threads: int, tick: Callable[[], object]) -> int:
    """Exit code of the process; it ends, with all that it started, when this function does."""
    # Its own working directory, because libraries leave logs there. Its own session, because Ctrl-C is for us alone.
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [python, "-m", "monai_unsup_denoise.benchmark.worker"],
            cwd=folder,
            env=_environment(folder, python, threads),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=1)
            tick()
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (AttributeError, OSError):  # no process groups on this system, or nobody left in this one
            process.kill()
        process.wait()


def _environment(folder: Path, python: Path, threads: int) -> dict[str, str]:
    package = Path(__file__).resolve().parents[1]
    library = package.parent
    if python != Path(sys.executable):  # a folder with our package alone, not with all that is installed beside it
        library = folder / "library"
        library.mkdir()
        (library / package.name).symlink_to(package, target_is_directory=True)
    given = [str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    path = os.pathsep.join([str(library), *given])
    return {**os.environ, **dict.fromkeys(_THREADS, str(threads)), "PYTHONPATH": path}


def _exit_reason(code: int, errors: str) -> str:
    reason = f"its process ended with exit code {code}"
    if code < 0:
        names = {int(one): one.name for one in signal.Signals}
        reason = f"killed by {names.get(-code, f'signal {-code}')}"
        reason += " (perhaps out of memory)" if names.get(-code) == "SIGKILL" else ""
    lines = errors.strip().splitlines()
    return f"{reason}: {lines[-1].strip()}" if lines else reason


def _end_with_parent() -> None:
    """Die with the benchmark, even if it is killed during a call; on Linux only."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _denoise(folder: Path, target: str, parameters: dict[str, Any], sigma: float | None) -> dict[str, Any]:
    noisy = np.load(folder / "noisy.npy")
    shape, given = noisy.shape, [np.load(path) for path in folder.glob("spectrum.npy")]
    module, _, name = target.rpartition(".")
    method = getattr(importlib.import_module(module), name)(**parameters)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, start = _memory("VmRSS"), time.perf_counter()
    result = method(noisy, sigma, *given)
    seconds, peak_mib = time.perf_counter() - start, max(_memory("VmHWM") - before, 0.0)
    denoised, estimated_sigma, lag1 = (*result, None)[:3] if isinstance(result, tuple) else (result, None, None)
    denoised = np.asarray(denoised, dtype=np.float32)
    if denoised.shape != shape:
        raise ValueError(f"gave an array of shape {denoised.shape} for one of {shape}")
    if not np.isfinite(denoised).all():
        raise ValueError("gave voxels that are NaN or infinite")
    np.save(folder / "denoised.npy", denoised)
    estimates = {
        "estimated_sigma": None if estimated_sigma is None else float(estimated_sigma),
        "estimated_lag1": None if lag1 is None else [float(one) for one in lag1],
    }
    return {"seconds": seconds, "peak_mib": peak_mib, **estimates}


def _memory(field: str) -> float:
    """A field of /proc/self/status in MiB; NaN where the system has no such file."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))
    return math.nan


if __name__ == "__main__":
    main()
