"""One method on one volume, in a process of its own and in the environment of the method: see `speed.py`.

    python experiments/speed_cell.py FOLDER

reads `job.json` and `noisy.npy` and writes `answer.json` and `denoised.npy`. Standard library and NumPy only, besides
the packages of the method.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_MATMUL_SIDE = 4096
_MATMUL_SECONDS = 5.0  # for which it is repeated; the fastest counts

Denoise = Callable[[np.ndarray, float], Any]


def main() -> None:
    """Do the job in a folder."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())
    with contextlib.suppress(AttributeError, OSError):  # libraries that start a thread for each core see as many cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["threads"]])
    for name in job["imports"]:
        importlib.import_module(name)
    interpreter = _memory_mib("VmRSS")
    make = getattr(sys.modules[__name__], job["make"])
    denoise: Denoise = make(threads=job["threads"], **job["parameters"])
    answer = {"start_up_seconds": time.time() - job["started"]}
    if job["make"] == "matmul":
        answer |= denoise(np.empty(0), 0.0)
    else:
        noisy = np.load(folder / "noisy.npy")
        busy, start = time.process_time(), time.perf_counter()
        result = denoise(noisy, job["sigma"])
        answer["seconds"] = time.perf_counter() - start
        answer["core_seconds"] = time.process_time() - busy
        answer["precision"] = getattr(denoise, "precision", "")
        np.save(folder / "denoised.npy", np.asarray(result, dtype=np.float32))
    answer["peak_mib"] = _memory_mib("VmHWM")
    answer["peak_above_mib"] = answer["peak_mib"] - interpreter
    (folder / "answer.json").write_text(json.dumps(answer))


class Ours:
    """The bundled model on the CPU, in the precision of this machine or in float32."""

    def __init__(self, *, refine: bool, float32: bool = False, threads: int) -> None:
        from monai_unsup_denoise.benchmark.baselines.bundle_model import BundleModel

        self.model = BundleModel(device="cpu", settings={"refine": refine})
        if float32:
            self.model.denoiser.inferer.autocast = None
        self.precision = self.model.denoiser.inferer.precision

    def __call__(self, noisy: np.ndarray, sigma: float) -> np.ndarray:
        """Denoise `(X, Y, Z)`; blind."""
        return self.model(noisy)[0]


def dipy(*, threads: int) -> Denoise:
    """The baseline of the benchmark with more than one thread."""
    from monai_unsup_denoise.benchmark.baselines.nonlocal_means import NonLocalMeans

    method = NonLocalMeans()
    method._nlmeans.keywords["num_threads"] = threads
    return method


def sanlm(*, threads: int) -> Denoise:
    """SANLM of CAT12, as in the benchmark."""
    from monai_unsup_denoise.benchmark.baselines.sanlm import SpatiallyAdaptiveNonLocalMeans

    return SpatiallyAdaptiveNonLocalMeans()


def ants(*, threads: int) -> Denoise:
    """`DenoiseImage` of ANTs, as in the benchmark."""
    from monai_unsup_denoise.benchmark.baselines.ants import AntsDenoise

    return AntsDenoise()


def bm4d(*, threads: int) -> Denoise:
    """BM4D with variance stabilization, as in the benchmark."""
    from monai_unsup_denoise.benchmark.baselines.collaborative import BM4D

    return BM4D()


def matmul(*, dtype: str, threads: int) -> Callable[..., dict[str, Any]]:
    """The fastest product of two large square matrices, which measures the limit of the processor."""
    import torch

    left = torch.randn(_MATMUL_SIDE, _MATMUL_SIDE).to(getattr(torch, dtype))
    right = left.T.contiguous()

    def measure(*_: Any) -> dict[str, Any]:
        seconds: list[float] = []
        while not seconds or sum(seconds) < _MATMUL_SECONDS:
            start = time.perf_counter()
            left @ right
            seconds.append(time.perf_counter() - start)
        return {"seconds": min(seconds), "gflop": 2 * _MATMUL_SIDE**3 / 1e9, "precision": dtype}

    return measure


def _memory_mib(field: str) -> float:
    """A field of /proc/self/status in MiB: VmRSS, or VmHWM, its peak. Elsewhere than on Linux the peak for both.

    VmHWM is the `ru_maxrss` of getrusage, without the memory of the process that started this one, which Linux keeps in
    `ru_maxrss`.
    """
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
