"""Steps per second of a distributed training by number of processes and of nodes.

    python -m experiments.process_scaling

trains with `multi_gpu_train.json` in one process, in two processes of one node, and on two nodes of one process each
(two agents of torchrun on loopback), with one thread in each process. Writes `docs/process_scaling.csv`, and from it
the table of `docs/training.md`. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from monai.utils import path_to_sqlite_uri

from experiments.speed import ROOT, machine
from experiments.speed_page import fill_page, markdown_table
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.files import atomic_write

START, END = "<!-- table of process_scaling.csv -->", "<!-- end of the table of process_scaling.csv -->"
LAYOUTS = ((1, 1), (1, 2), (2, 1))  # nodes, processes of each
COLUMNS = ("nodes", "processes", "batch", "steps_per_second", "patches_per_second", "machine")


def main() -> None:
    """Time every layout."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--steps", type=int, default=40, help="that are timed, after as many that are not")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "process_scaling.csv", help="table")
    options = parser.parse_args()
    rows = []
    for nodes, processes in LAYOUTS:
        with tempfile.TemporaryDirectory(prefix="mri_denoise_scaling_") as folder:
            seconds = time_epoch(Path(folder), nodes=nodes, processes=processes, steps=options.steps)
        batch = 2 * nodes * processes
        rate = options.steps / seconds
        rows.append((nodes, nodes * processes, batch, rate, rate * batch, machine()))
        print(f"{nodes} nodes, {nodes * processes} processes: {rate:.2f} steps per second", file=sys.stderr)
        table = pd.DataFrame(rows, columns=list(COLUMNS))
        with atomic_write(options.output) as partial:
            table.to_csv(partial, index=False, float_format="%.4g")
    fill_page(options.output.with_name("training.md"), START, END, scaling_table(pd.read_csv(options.output)))


def time_epoch(folder: Path, *, nodes: int, processes: int, steps: int) -> float:
    """Seconds from the checkpoint of the first epoch to that of the second, without validation.

    Raises:
        subprocess.CalledProcessError: if the training fails; its output has the reason.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "bundle_root": bundle_folder(),
        "output_dir": folder,
        "model_path": folder / "model.pt",
        "tracking_uri": path_to_sqlite_uri(folder / "mlruns.db"),
        "max_epochs": 2,
        "iterations_per_epoch": steps,
        "val_interval": 3,
        "progress": False,
        # Few scans: how many there are changes the seconds before the first step, not those of a step.
        "datalists#noisy_subjects": [0],
        "datalists#clean_subjects": [4],
        "clean_data": "$@datalists['clean']",
    }
    words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    training = ["-m", "monai.bundle", "run", "--config_file", str(config_files(["multi_gpu_train.json"])), *words]
    agents = []
    for node in range(nodes):
        meeting = ["--rdzv_backend=c10d", f"--rdzv_endpoint=127.0.0.1:{port}", f"--rdzv_conf=is_host={int(node == 0)}"]
        torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nnodes={nodes}", f"--nproc_per_node={processes}"]
        variables = {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
        command = [*torchrun, *meeting, "--rdzv_id=scaling", *training]
        agents.append(subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}))
    for agent in agents:
        if agent.wait():
            raise subprocess.CalledProcessError(agent.returncode, agent.args)
    first, second = (next(folder.rglob(f"checkpoint_epoch={epoch}.pt")).stat().st_mtime for epoch in (1, 2))
    return second - first


def scaling_table(rows: pd.DataFrame) -> str:
    """Markdown: nodes, processes, steps and patches per second, and patches relative to one process."""
    alone = rows["patches_per_second"].iloc[0]
    cells = [
        (
            f"{row.nodes}",
            f"{row.processes}",
            f"{row.batch}",
            f"{row.steps_per_second:.2f}",
            f"{row.patches_per_second:.2f}",
            f"{row.patches_per_second / alone:.2f}",
        )
        for row in rows.itertuples()
    ]
    head = ["nodes", "processes", "patches per step", "steps per second", "patches per second", "times one process"]
    return markdown_table(head, cells) + f"\nMeasured on {rows['machine'].iloc[0]}, a thread in each process.\n"


if __name__ == "__main__":
    main()
