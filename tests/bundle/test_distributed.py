"""Two processes on gloo train as one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch


@pytest.mark.slow
def test_two_processes_train_one_model_in_one_mlflow_run(
    training_command: Callable, runs: Callable, repository: Path, tmp_path: Path
) -> None:
    command = training_command(
        tmp_path,
        "train.json",
        "multi_gpu_train.json",
        experiment_name="distributed",
        finalize=[
            f"$torch.save(@networks.state_dict(), '{tmp_path}/rank%d.pt' % @rank)",
            "$torch.distributed.destroy_process_group()",
        ],
    )
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run([*torchrun, *command[1:]], cwd=repository, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr

    (run,) = runs("distributed")
    assert run.info.status == "FINISHED"
    assert (tmp_path / "model.pt").is_file()
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first), "both processes hold the same weights"
