"""The bundled network alone, on one tile, with the backends that could run it on a CPU: time, memory, accuracy, size.

    python -m experiments.backends

writes `docs/backends.csv`, and from it a table of `docs/speed.md`, after each row. OpenVINO and NNCF are looked for in
the environment of `make baselines`; a backend that is absent gets a row that says so. Run it on a machine that does
nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch

from experiments.installed_packages import needed_packages
from experiments.speed import ROOT, SIGMA, SUBJECT, Row, fitted, machine
from experiments.speed_page import write_backends
from monai_unsup_denoise.benchmark.methods import Environment, find_environments
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.export.onnx_export import write_onnx
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr
from monai_unsup_denoise.process import interruptible

TILE = (112, 128, 112)
_CALIBRATION_SUBJECTS = (SUBJECT + 1, SUBJECT + 2, SUBJECT + 3)
_GRAPH, _INTEGERS = "network.onnx", "int8.xml"

COLUMNS = [
    *("backend", "voxels", "threads", "precision", "seconds", "start_up_seconds", "peak_mib", "peak_above_mib"),
    *("rms_difference_sigma", "further_packages", "further_mb", "licences", "versions", "machine", "status"),
]


@dataclass(frozen=True)
class Backend:
    """What `backends_cell.py` makes and calls.

    Attributes:
        make: a name in `backends_cell.py`.
        precision: of the convolutions.
        parameters: of ``make``.
        requires: distributions.
        made_with: distributions that make the model, beforehand.
        imports: modules, which are not memory of the backend.
        further: what it needs that is no package of Python.
    """

    make: str
    precision: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    requires: tuple[str, ...] = ("monai-unsup-denoise", "torch")
    made_with: tuple[str, ...] = ()
    imports: tuple[str, ...] = ("torch", "monai_unsup_denoise.inference.denoiser")
    further: tuple[str, ...] = ()


def _pytorch(precision: str, *further: str, **parameters: bool) -> Backend:
    return Backend("pytorch", precision, {"bfloat16": precision == "bfloat16", **parameters}, further=further)


def _openvino(precision: str, *, model: str = _GRAPH, hint: str, made_with: tuple[str, ...] = ()) -> Backend:
    parameters = {"model": model, "precision": hint}
    return Backend("openvino", precision, parameters, ("openvino",), made_with, ("openvino",))


BACKENDS = {
    "pytorch_float32": _pytorch("float32", fused=False),  # the first: all others are compared with it
    "ours_float32": _pytorch("float32"),
    "pytorch": _pytorch("bfloat16", fused=False),
    "ours": _pytorch("bfloat16"),
    "torchscript": _pytorch("bfloat16", torchscript=True),
    "compile": _pytorch("bfloat16", "a C++ compiler", compiled=True),
    "compile_freezing": _pytorch("bfloat16", "a C++ compiler", compiled=True, freezing=True),
    "openvino": _openvino("bfloat16", hint="bf16"),
    "openvino_float32": _openvino("float32", hint="f32"),
    "onnxruntime": Backend("onnxruntime", "float32", {"model": _GRAPH}, ("onnxruntime",), imports=("onnxruntime",)),
    "openvino_int8": _openvino("int8", model=_INTEGERS, hint="bf16", made_with=("nncf",)),
}


def main() -> None:
    """Measure the backends."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=list(BACKENDS))
    parser.add_argument("--threads", type=int, default=2, help="that each backend may use (default 2)")
    parser.add_argument("--tile", type=int, nargs=3, default=TILE, metavar="N", help="its size (default 112 128 112)")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "backends.csv", help="table (default docs/backends.csv)"
    )
    options = parser.parse_args()
    environments = find_environments()
    own_packages = needed_packages(["monai-unsup-denoise"])
    rows: list[Row] = []
    with interruptible(), tempfile.TemporaryDirectory(prefix="mri_denoise_backends_") as name:
        folder = Path(name)
        print("noisy tiles and the ONNX graph", file=sys.stderr)
        needs_graph = any("model" in BACKENDS[name].parameters for name in options.backends)
        sigma = write_inputs(folder, tuple(options.tile), with_graph=needs_graph)
        reference: np.ndarray | None = None
        for backend in (name for name in BACKENDS if name in options.backends):
            print(f"{backend}: ", end="", file=sys.stderr, flush=True)
            row = measure(
                BACKENDS[backend], environments, folder=folder, threads=options.threads, own_packages=own_packages
            )
            if row["status"] == "ok":
                denoised = np.load(folder / "denoised.npy")
                reference = denoised if backend == next(iter(BACKENDS)) else reference
                difference = math.nan if reference is None else np.sqrt(np.square(denoised - reference).mean())
                row["rms_difference_sigma"] = float(difference / sigma)
            rows.append({"backend": backend, "voxels": math.prod(options.tile), "machine": machine(), **_rounded(row)})
            with atomic_write(options.output) as partial:
                pd.DataFrame(rows, columns=COLUMNS, dtype=object).to_csv(partial, index=False)
            write_backends(options.output)
            print(f"{rows[-1]['seconds']} s" if row["status"] == "ok" else row["status"], file=sys.stderr)


@torch.no_grad()
def write_inputs(folder: Path, shape: tuple[int, ...], *, with_graph: bool) -> float:
    """Write the tile, the graph and what calibrates its integers; the sigma of the tile, in its units."""
    denoiser = Denoiser.from_bundle(device="cpu")

    def noisy_tile(subject: int) -> tuple[np.ndarray, np.ndarray, float]:
        [item] = phantom_datalist(None, [subject], contrasts=["T1w"])
        head = nibabel.load(item["image"]).get_fdata(dtype=np.float32)  # type: ignore[attr-defined]
        clean = torch.from_numpy(fitted(head / head.max(), shape))
        image = denoiser.wrap(add_rician_noise(clean, SIGMA, generator=torch.Generator().manual_seed(subject)))
        tile = image.as_tensor()[None]
        return tile.numpy(), denoiser.network.encode_noise(tile).numpy(), SIGMA / float(image.meta["reference"])

    tile, code, sigma = noisy_tile(SUBJECT)
    np.save(folder / "tile.npy", tile)
    np.save(folder / "code.npy", code)
    if with_graph:
        tiles, codes, _ = zip(*map(noisy_tile, _CALIBRATION_SUBJECTS), strict=True)
        np.savez(folder / "calibration.npz", tiles=tiles, codes=codes)
        _write_graph(denoiser.network, folder)
    return sigma


def measure(
    backend: Backend, environments: list[Environment], *, folder: Path, threads: int, own_packages: list[str]
) -> Row:
    """Row of one backend on the tile in a folder, where the result is written; ``status`` says why there is none."""
    row: Row = {"threads": threads, "precision": backend.precision}
    packages = (*backend.requires, *backend.made_with)
    suitable = [environment for environment in environments if not environment.missing(packages)]
    if not suitable:
        return row | {"status": f"{', '.join(packages)} not installed: make baselines"}
    row["versions"] = suitable[0].describe(packages)
    error = ""
    if backend.made_with:
        quantise = ("backends_int8.py", _GRAPH, "calibration.npz", _INTEGERS)
        error = _run(suitable[0].python, *quantise, folder=folder, threads=threads)
    if not error:
        job = {
            **{name: getattr(backend, name) for name in ("make", "imports", "requires", "further")},
            **{"parameters": dict(backend.parameters), "threads": threads, "own_packages": own_packages},
            "started": time.time(),
        }
        (folder / "job.json").write_text(json.dumps(job))
        error = _run(suitable[0].python, "backends_cell.py", ".", folder=folder, threads=threads)
    return row | ({"status": error} if error else {**json.loads((folder / "answer.json").read_text()), "status": "ok"})


def _run(python: Path, script: str, *arguments: str, folder: Path, threads: int) -> str:
    """Run a script of this folder; why it failed, or nothing."""
    done = subprocess.run(
        [python, ROOT / "experiments" / script, *arguments],
        cwd=folder,
        env={
            **os.environ,
            **{f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS")},
            "PYTHONPATH": str(ROOT),
            "TORCHINDUCTOR_CACHE_DIR": tempfile.mkdtemp(dir=folder),  # empty: each compiles anew
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return f"exit code {done.returncode}: {last}".strip(": ") if done.returncode else ""


def _write_graph(network: Any, folder: Path) -> None:
    """The graph of `mri-denoise export-onnx`, without its own estimate of the noise: inputs image and code."""
    import onnx.utils

    whole, graph = folder / "whole.onnx", folder / _GRAPH
    with suppress_stderr():
        write_onnx(network, whole, folder / "noise.onnx")
    nodes = onnx.load(whole).graph.node
    code = next(node.output[0] for node in nodes if node.op_type == "Where" and "code" in node.input)
    onnx.utils.extract_model(whole, graph, ["image", code], ["pred"])


def _rounded(row: Row) -> Row:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in row.items()}


if __name__ == "__main__":
    main()
