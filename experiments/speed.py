"""Seconds and memory of ours and of other denoisers, on the same volumes with the same number of threads.

    python -m experiments.speed

writes `docs/speed.csv`, and from it the tables of `docs/speed.md` and `docs/speed.png`, after each row. Other methods
are looked for in the environment of `make baselines`; one that is absent gets a row that says so. Run it on a machine
that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
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
from torch.utils.flop_counter import FlopCounterMode

from experiments.speed_page import write_page
from monai_unsup_denoise import __version__
from monai_unsup_denoise.benchmark.methods import Environment, find_environments
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.process import interruptible

ROOT = Path(__file__).resolve().parents[1]
SUBJECT = 60  # in no training set, with isotropic voxels
SIGMA = 0.1  # of the maximum
VOLUMES = {"1": (100, 100, 100), "7": (180, 216, 180), "40": (344, 344, 340)}  # by million voxels
_LARGEST_OF_OTHERS = 10e6  # voxels
_LIBRARIES = ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR")

COLUMNS = [
    *("method", "voxels", "threads", "seconds", "core_seconds", "start_up_seconds", "peak_mib", "peak_above_mib"),
    *("psnr", "ratio_to_dipy", "gflop", "gflop_per_second", "share_of_matmul"),
    *("precision", "versions", "machine", "status"),
]
_DIGITS = {"peak_mib": None, "peak_above_mib": None, "gflop": 1, "gflop_per_second": 1}  # all others 3

Row = dict[str, Any]


@dataclass(frozen=True)
class Method:
    """What `speed_cell.py` makes and calls.

    Attributes:
        make: a name in `speed_cell.py`.
        requires: distributions.
        imports: modules, which are not memory of the method.
        parameters: of ``make``.
        is_network: whether its time is that of the network alone, whose operations are counted.
    """

    make: str
    requires: tuple[str, ...]
    imports: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_network: bool = False


def _ours(**parameters: bool) -> Method:
    imports = ("monai_unsup_denoise.benchmark.baselines.bundle_model",)
    return Method("Ours", ("torch",), imports, parameters, is_network=not parameters["refine"])


METHODS = {
    "dipy": Method("dipy", ("dipy",), ("dipy.denoise.nlmeans",)),  # the first: all others are compared with it
    "ours": _ours(refine=True),
    "ours_no_refinement": _ours(refine=False),
    "ours_no_refinement_float32": _ours(refine=False, float32=True),
    "sanlm": Method("sanlm", ("cat-surf",), ("cat_surf",)),
    "ants": Method("ants", ("antspyx",), ("ants",)),
    "bm4d": Method("bm4d", ("bm4d",), ("bm4d",)),
}
PRECISIONS = ("bfloat16", "float32")


def main() -> None:
    """Measure the methods on the volumes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--volumes", nargs="+", choices=VOLUMES, default=list(VOLUMES), help="millions of voxels")
    parser.add_argument("--threads", type=int, default=2, help="that each method may use (default 2)")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "speed.csv", help="table (default docs/speed.csv)"
    )
    options = parser.parse_args()
    environments = find_environments()
    rows: list[Row] = []

    def keep(name: str, row: Row) -> None:
        rows.append({"method": name, "threads": options.threads, "machine": machine(), **_rounded(row)})
        with atomic_write(options.output) as partial:
            pd.DataFrame(rows, columns=COLUMNS, dtype=object).to_csv(partial, index=False)
        write_page(options.output)
        print(f"{rows[-1]['seconds']} s" if row["status"] == "ok" else row["status"], file=sys.stderr)

    with interruptible():
        limits = {}
        for precision in PRECISIONS:
            method = Method("matmul", ("torch",), ("torch",), {"dtype": precision})
            print(f"matrix product in {precision}: ", end="", file=sys.stderr, flush=True)
            row = measure(method, environments, threads=options.threads)
            if row["status"] == "ok":
                limits[precision] = row["gflop_per_second"] = row["gflop"] / row["seconds"]
            keep("matmul", row)
        flop = flop_per_voxel()
        head = load_head()
        for volume in (name for name in VOLUMES if name in options.volumes):
            clean = fitted(head, VOLUMES[volume])
            noisy = add_rician_noise(torch.from_numpy(clean), SIGMA, generator=torch.Generator().manual_seed(0)).numpy()
            dipy_seconds = math.nan
            for name, method in METHODS.items():
                if name not in options.methods or (method.make != "Ours" and clean.size > _LARGEST_OF_OTHERS):
                    continue
                print(f"{name}, {volume} million voxels: ", end="", file=sys.stderr, flush=True)
                row = measure(method, environments, threads=options.threads, noisy=noisy, clean=clean)
                if row["status"] == "ok":
                    dipy_seconds = row["seconds"] if name == "dipy" else dipy_seconds
                    row["ratio_to_dipy"] = row["seconds"] / dipy_seconds
                    if method.is_network:
                        row["gflop"] = flop * clean.size / 1e9
                        row["gflop_per_second"] = row["gflop"] / row["seconds"]
                        row["share_of_matmul"] = row["gflop_per_second"] / limits.get(row["precision"], math.nan)
                keep(name, row)


def measure(
    method: Method,
    environments: list[Environment],
    *,
    threads: int,
    noisy: np.ndarray | None = None,
    clean: np.ndarray | None = None,
) -> Row:
    """Row of one method on one volume; without a volume, of the matrix product. ``status`` says why there is none."""
    row: Row = {} if noisy is None else {"voxels": noisy.size}
    suitable = [environment for environment in environments if not environment.missing(method.requires)]
    if not suitable:
        return row | {"status": f"{', '.join(method.requires)} not installed: make baselines"}
    own = f"monai-unsup-denoise {__version__}; " if method.make == "Ours" else ""
    row["versions"] = own + suitable[0].describe(method.requires)
    with tempfile.TemporaryDirectory(prefix="mri_denoise_speed_") as name:
        folder = Path(name)
        job = {
            "make": method.make,
            "imports": method.imports,
            "parameters": dict(method.parameters),
            "threads": threads,
            "sigma": SIGMA,
            "started": time.time(),
        }
        if noisy is not None:
            np.save(folder / "noisy.npy", noisy)
            job["started"] = time.time()
        (folder / "job.json").write_text(json.dumps(job))
        limits = {f"{library}_NUM_THREADS": str(threads) for library in _LIBRARIES}
        limits["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(threads)
        done = subprocess.run(
            [suitable[0].python, ROOT / "experiments" / "speed_cell.py", folder],
            cwd=folder,
            env={**os.environ, **limits, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            return row | {"status": f"exit code {done.returncode}: {last}".strip(": ")}
        row |= json.loads((folder / "answer.json").read_text()) | {"status": "ok"}
        if clean is not None:
            row["psnr"] = psnr(np.load(folder / "denoised.npy"), clean)
    return row


def load_head() -> np.ndarray:
    """The T1w phantom, ``(X, Y, Z)`` float32, maximum 1."""
    [item] = phantom_datalist(None, [SUBJECT], contrasts=["T1w"])
    image = nibabel.load(item["image"]).get_fdata(dtype=np.float32)  # type: ignore[attr-defined]
    return image / image.max()


def fitted(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The middle of the image, or the image and its mirror images, as many as fill ``shape``."""
    for axis, (length, wanted) in enumerate(zip(image.shape, shape, strict=True)):
        missing = max(wanted - length, 0)
        image = np.pad(
            image, [(missing // 2, missing - missing // 2) if n == axis else (0, 0) for n in range(3)], "symmetric"
        )
        first = (image.shape[axis] - wanted) // 2
        image = image.take(range(first, first + wanted), axis)
    return np.ascontiguousarray(image)


def flop_per_voxel(side: int = 32) -> float:
    """Floating-point operations of the bundled network for a voxel, counted on a small tile."""
    network = Denoiser.from_bundle(device="cpu").network
    tile = torch.rand(1, 1, side, side, side)
    code = network.encode_noise(tile)
    with FlopCounterMode(display=False) as counter:
        network(tile, code)
    return counter.get_total_flops() / tile.numel()


def machine() -> str:
    """Name of the processor, its cores, and whether it multiplies matrices of bfloat16 in hardware (AMX)."""
    name, flags = platform.processor() or platform.machine(), ""
    if (info := Path("/proc/cpuinfo")).is_file():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            name = value.strip() if key.strip() == "model name" else name
            flags = value if key.strip() == "flags" else flags
    return f"{name}, {os.cpu_count()} cores, {'AMX' if 'amx_bf16' in flags.split() else 'no AMX'}"


def _rounded(row: Row) -> Row:
    return {
        name: round(value, _DIGITS.get(name, 3)) if isinstance(value, float) else value for name, value in row.items()
    }


if __name__ == "__main__":
    main()
