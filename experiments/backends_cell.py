"""The bundled network on one tile with one backend, in a process of its own and in the environment of the backend.

    python experiments/backends_cell.py FOLDER

reads `job.json`, `tile.npy` and `code.npy` and writes `answer.json` and `denoised.npy`: see `backends.py`. Standard
library and NumPy only, besides the packages of the backend.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from experiments.installed_packages import installed_mb, licences, needed_packages
from experiments.speed_cell import _memory_mib as memory_mib

_CALLS = 3  # at least, after the first; the fastest counts
_SECONDS = 3.0  # for which they go on

Run = Callable[[], np.ndarray]


def main() -> None:
    """Do the job in a folder."""
    folder = Path(sys.argv[1])
    job = json.loads((folder / "job.json").read_text())
    with contextlib.suppress(AttributeError, OSError):  # libraries that start a thread for each core see as many cores
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job["threads"]])
    for name in job["imports"]:
        importlib.import_module(name)
    imported = memory_mib("VmRSS")
    make = getattr(sys.modules[__name__], job["make"])
    tile, code = (np.load(folder / f"{name}.npy") for name in ("tile", "code"))
    run: Run = make(tile, code, threads=job["threads"], **job["parameters"])
    made = time.time() - job["started"]
    seconds: list[float] = []
    while len(seconds) <= _CALLS or sum(seconds[1:]) < _SECONDS:  # the first call compiles, too
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    np.save(folder / "denoised.npy", result)
    peak = memory_mib("VmHWM")
    further = [package for package in needed_packages(job["requires"]) if package not in job["own_packages"]]
    answer = {
        "seconds": min(seconds),
        "start_up_seconds": made + seconds[0] - min(seconds),
        "peak_mib": peak,
        "peak_above_mib": peak - imported,
        "further_packages": ", ".join([*further, *job["further"]]),
        "further_mb": None if job["further"] else installed_mb(further),
        "licences": licences([name for name in job["requires"] if name in further]),
    }
    (folder / "answer.json").write_text(json.dumps(answer))


def pytorch(
    tile: np.ndarray,
    code: np.ndarray,
    *,
    threads: int,
    bfloat16: bool,
    fused: bool = True,
    torchscript: bool = False,
    compiled: bool = False,
    freezing: bool = False,
) -> Run:
    """The network of the bundle, or its `model.ts`; without ``fused``, by public functions of PyTorch alone."""
    import torch

    from monai_unsup_denoise.bundle_folder import bundle_folder
    from monai_unsup_denoise.inference.denoiser import Denoiser
    from monai_unsup_denoise.networks import convolution

    torch.set_num_threads(threads)
    if not fused:
        convolution._is_fused = lambda x: False
    scripted = torch.jit.load(bundle_folder() / "models" / "model.ts") if torchscript else None
    network = Denoiser.from_bundle(device="cpu", network=scripted).network
    if compiled:
        torch._inductor.config.freezing = freezing
        network = torch.compile(network)
    arguments = torch.from_numpy(tile), torch.from_numpy(code)

    def run() -> np.ndarray:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            return network(*arguments).float().numpy()

    return run


def openvino(tile: np.ndarray, code: np.ndarray, *, threads: int, model: str, precision: str) -> Run:
    """A graph, in ``precision`` where it is not of integers.

    Its axes stay dynamic: of a fixed length, OpenVINO 2026.4 computes the indices of the reflected margin wrongly, and
    the result is zero; the time is the same.
    """
    import openvino

    hints = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
    request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
    return lambda: request.infer([tile, code])[0]


def onnxruntime(tile: np.ndarray, code: np.ndarray, *, threads: int, model: str) -> Run:
    """A graph, in float32."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {port.name: values for port, values in zip(session.get_inputs(), (tile, code), strict=True)}
    return lambda: session.run(None, feed)[0]


if __name__ == "__main__":
    main()
