"""Throughput and memory of a cohort: one process, jobs, and workers of a Dask cluster on this machine.

    python -m experiments.cohort_scale [--scans 12] [--workers 2] [--output docs/scale.csv]

Each way denoises the same scans (64 x 64 x 32 voxels) as a command of its own, with one thread for each process.
Core-seconds are the processor time of the command and all its processes: another load on the machine changes them less
than it changes seconds.
"""

from __future__ import annotations

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np
import psutil  # type: ignore[import-untyped]

from experiments.speed import machine

_SHAPE = (64, 64, 32)
_COMMAND = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()", "denoise"]
_EVERY = 0.2  # seconds between two looks at the memory


def main() -> None:
    """Measure each way once, and write a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scans", type=int, default=12)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=Path("docs/scale.csv"))
    options = parser.parse_args()
    several = ["--jobs", str(options.workers)]
    ways = {"one process": [], "--jobs": several, "--dask local": ["--dask", "local", *several]}
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        scans = write_scans(Path(folder) / "scans", options.scans)
        for number, (way, words) in enumerate(ways.items()):
            found = measure(scans, Path(folder) / str(number), words)
            processes = 1 if way == "one process" else options.workers
            row = {"way": way, "processes": processes, "scans": options.scans, "voxels": int(np.prod(_SHAPE))}
            rows.append({**row, **found, "machine": machine()})
            print(rows[-1], flush=True)
    with options.output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_scans(folder: Path, count: int) -> Path:
    """A folder of scans: a bright block with noise, another one in each."""
    folder.mkdir()
    for number in range(count):
        noise = np.random.default_rng(number).normal(0, 30, _SHAPE)
        noise[12:-12, 12:-12, 6:-6] += 900
        nibabel.save(nibabel.Nifti1Image(np.abs(noise).astype(np.float32), np.eye(4)), folder / f"{number}.nii.gz")
    return folder


def measure(scans: Path, out: Path, options: list[str]) -> dict[str, float]:
    """Seconds, core-seconds and peak memory (MiB, of the largest process and of all) of one command."""
    before, start = _processor_seconds(), time.perf_counter()
    largest = together = 0.0
    command = [*_COMMAND, str(scans), str(out), "--threads", "1", "--device", "cpu", *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        tree = psutil.Process(process.pid)
        while process.poll() is None:
            sizes = _sizes(tree)
            largest, together = max(largest, *sizes, 0), max(together, sum(sizes))
            time.sleep(_EVERY)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: ended with exit code {process.returncode}")
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "core_seconds": round(_processor_seconds() - before, 1),
        "peak_mib_of_a_process": round(largest),
        "peak_mib_together": round(together),
        "output_bytes": sum(path.stat().st_size for path in out.rglob("*.nii.gz")),
    }


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _sizes(tree: psutil.Process) -> list[float]:
    """Resident MiB of a process and of those it has started."""
    sizes = []
    for process in _with_children(tree):
        try:
            sizes.append(process.memory_info().rss / 2**20)
        except psutil.NoSuchProcess:
            continue
    return sizes or [0.0]


def _with_children(tree: psutil.Process) -> list[psutil.Process]:
    try:
        return [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


if __name__ == "__main__":
    main()
