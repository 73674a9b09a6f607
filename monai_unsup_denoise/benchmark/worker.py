"""One denoising method in a process of its own: requests as JSON lines on stdin, answers on stdout.

    {"target": "package.module.Class", "parameters": {...}}              -> {}
    {"noisy": "in.npy", "sigma": 0.15 or null, "denoised": "out.npy"}    -> {"seconds", "peak_mib", "estimated_sigma"}

A method that raises is answered with ``{"error": "..."}``. Standard library and numpy alone: this runs in the
interpreter that has the method's packages, which need not have ours.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

_MIB = 2**20


def main() -> None:
    """Answer until stdin ends."""
    _end_with_parent()
    requests, answers = _private_pipes()
    method: Callable[..., Any] | None = None
    for line in requests:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        try:
            if "target" in request:
                method = _make(request["target"], request["parameters"])
            else:
                answer = _denoise(method, request)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".strip().rstrip(":").splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


def _end_with_parent() -> None:
    """Die when the benchmark does, even if it is killed in the middle of a call; Linux alone can."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (AttributeError, OSError, TypeError):
        pass


def _private_pipes() -> tuple[TextIO, TextIO]:
    """Stdin and stdout under new numbers; methods that print do so on stderr, and those that read find nothing."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _make(target: str, parameters: dict[str, Any]) -> Callable[..., Any]:
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)(**parameters)


def _denoise(method: Any, request: dict[str, Any]) -> dict[str, Any]:
    noisy = np.load(request["noisy"])
    expected = noisy.shape
    before = _start_peak()
    start = time.perf_counter()
    result = method(noisy, request["sigma"])
    seconds = time.perf_counter() - start
    peak = _peak() - before
    denoised, estimated_sigma = result if isinstance(result, tuple) else (result, None)
    denoised = np.asarray(denoised, dtype=np.float32)
    if denoised.shape != expected:
        raise ValueError(f"gave an array of shape {denoised.shape} for one of {expected}")
    if not np.isfinite(denoised).all():
        raise ValueError("gave voxels that are NaN or infinite")
    np.save(request["denoised"], denoised)
    found = None if estimated_sigma is None else float(estimated_sigma)
    return {"seconds": seconds, "peak_mib": max(peak, 0) / _MIB, "estimated_sigma": found}


def _start_peak() -> int:
    """Forget the highest resident memory so far; return the present one, in bytes."""
    try:
        ctypes.CDLL(None).malloc_trim(0)  # else memory freed by the call before counts as present
    except (AttributeError, OSError, TypeError):
        pass
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        return _status("VmRSS")
    except OSError:
        return _peak()


def _peak() -> int:
    """Highest resident memory in bytes: since :func:`_start_peak` on Linux, since the start elsewhere."""
    try:
        return _status("VmHWM")
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(field: str) -> int:
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status: no {field}")


if __name__ == "__main__":
    main()
