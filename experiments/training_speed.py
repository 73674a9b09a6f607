"""Seconds of the steps of trainings of the bundle, by part, and the share of the processor's limit.

    python -m experiments.training_speed

writes `docs/training_speed.csv`, and from it the tables of `docs/training.md`, after each row. Run it on a machine that
does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.speed import ROOT, Method, Row, machine, measure
from experiments.speed_page import fill_page, markdown_table
from monai_unsup_denoise.benchmark.methods import find_environments
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.process import interruptible

START, END = "<!-- tables of training_speed.csv -->", "<!-- end of the tables of training_speed.csv -->"
PARTS = ("loader", "forward", "backward", "optimizer", "handlers")
COLUMNS = [
    *("training", "patch_size", "batch_size", "threads", "steps_per_second", "seconds"),
    *(f"{part}_seconds" for part in PARTS),
    *("validation_seconds", "validated_steps", "validation_share", "gflop", "gflop_per_second", "share_of_matmul"),
    *("precision", "versions", "machine"),
]


@dataclass(frozen=True)
class Training:
    """What to time.

    Attributes:
        title: in the table.
        configs: of the bundle, laid over `train.json`.
        settings: values of the config by id.
        environment: variables of the process.
        validates: whether to time a validation too.
    """

    title: str
    configs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    validates: bool = False


_SMALL_PAGES = {"THP_MEM_ALLOC_ENABLE": "0"}
_LARGE = ("weights_2_large_patches.json",)
TRAININGS = {
    "default": Training("`train.json`", validates=True),
    "two_workers": Training("`train.json`, `num_workers=2`", settings={"num_workers": 2}),
    "weights_4_longer": Training("`weights_4_longer.json`", ("weights_4_longer.json",)),
    "weights_2_large_patches": Training("`weights_2_large_patches.json`", _LARGE, validates=True),
    "weights_2_small_pages": Training(
        "`weights_2_large_patches.json`, without large pages", _LARGE, environment=_SMALL_PAGES
    ),
}


def main() -> None:
    """Time every training."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trainings", nargs="+", choices=TRAININGS, default=list(TRAININGS))
    parser.add_argument("--threads", type=int, default=2, help="that PyTorch may use (default 2)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "training_speed.csv", help="table")
    options = parser.parse_args()
    [environment, *_] = find_environments()
    versions = environment.describe(("monai-unsup-denoise", "torch", "monai", "pytorch-optimizer"))
    about = {"threads": options.threads, "versions": versions, "machine": machine()}
    rows: list[Row] = []

    def keep(name: str, row: Row) -> None:
        rows.append({"training": name, **about, **row})
        with atomic_write(options.output) as partial:
            table = pd.DataFrame(rows).reindex(columns=COLUMNS)
            table.to_csv(partial, index=False, float_format="%.4g")
        fill_page(options.output.with_name("training.md"), START, END, training_tables(pd.read_csv(options.output)))
        print(f"{name}: {row['seconds']:.3f} s", file=sys.stderr)

    with interruptible():
        product = Method("matmul", ("torch",), ("torch",), {"dtype": "bfloat16"})
        limit = measure(product, [environment], threads=options.threads)
        limit["gflop_per_second"] = limit["gflop"] / limit["seconds"]
        keep("matmul", {key: limit[key] for key in ("seconds", "gflop", "gflop_per_second", "precision")})
        for name in options.trainings:
            row = time_training(TRAININGS[name], threads=options.threads)
            if row["precision"] == "bfloat16":
                row["share_of_matmul"] = row["gflop_per_second"] / limit["gflop_per_second"]
            keep(name, row)


def time_training(training: Training, *, threads: int) -> Row:
    """Row of one training, in a process of its own.

    Raises:
        subprocess.CalledProcessError: if the training fails; its output has the reason.
    """
    with tempfile.TemporaryDirectory(prefix="mri_denoise_training_speed_") as name:
        folder = Path(name)
        job = {"configs": training.configs, "settings": dict(training.settings), "validates": training.validates}
        (folder / "job.json").write_text(json.dumps({**job, "threads": threads}))
        command = [sys.executable, "-m", "experiments.training_speed_cell", str(folder)]
        variables = {"OMP_NUM_THREADS": str(threads), "THP_MEM_ALLOC_ENABLE": "1", **training.environment}
        subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, check=True)
        row: Row = json.loads((folder / "answer.json").read_text())
    row["patch_size"] = "x".join(map(str, row["patch_size"]))
    row["steps_per_second"] = 1 / row["seconds"]
    row["gflop_per_second"] = row["gflop"] / (row["forward_seconds"] + row["backward_seconds"])
    if training.validates:
        trained = row["validated_steps"] * row["seconds"]
        row["validation_share"] = row["validation_seconds"] / (row["validation_seconds"] + trained)
    return row


def training_tables(rows: pd.DataFrame) -> str:
    """Markdown: steps a second, a step by part, the share of the matmul limit and of validation, the machine."""
    limit = rows[rows["training"] == "matmul"].iloc[0]
    timed = rows[rows["training"].isin(TRAININGS)]
    steps = [
        (
            TRAININGS[row.training].title,
            f"{row.batch_size:.0f} × {row.patch_size.split('x')[0]}³",
            f"{row.steps_per_second:.2f}",
            f"{row.seconds:.3f}",
            *(f"{getattr(row, f'{part}_seconds'):.3f}" for part in PARTS),
            f"{row.gflop:.0f}",
            f"{row.gflop_per_second:.0f}",
            "" if pd.isna(row.share_of_matmul) else f"{100 * row.share_of_matmul:.0f} %",
        )
        for row in timed.itertuples()
    ]
    head = ["training", "batch", "steps per second", "seconds per step", *PARTS, "GFLOP", "GFLOP per second", "share"]
    validated = [
        (
            TRAININGS[row.training].title,
            f"{row.validation_seconds:.1f}",
            f"{row.validated_steps:.0f}",
            f"{100 * row.validation_share:.1f} %",
        )
        for row in timed[timed["validation_seconds"].notna()].itertuples()
    ]
    about = [(limit.machine, str(limit.threads), limit.precision, f"{limit.gflop_per_second:.0f}", limit.versions)]
    tables = [
        markdown_table(head, steps),
        markdown_table(["training", "seconds of a validation", "every … steps", "of the time"], validated),
        markdown_table(["machine", "threads", "precision", "limit, GFLOP per second", "versions"], about),
    ]
    return "\n".join(tables)


if __name__ == "__main__":
    main()
