"""The gradients of a distributed training, over two processes."""

import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.multiprocessing import start_processes

from monai_unsup_denoise.training.trainer import average_gradients

SECONDS = 60


def gradients_of_rank(rank: int, folder: str) -> None:
    """One process: the first parameter's gradient is its rank + 1, the second's there only in process 1."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    first, second, frozen = (nn.Parameter(torch.zeros(2, 3)) for _ in range(3))
    first.grad = torch.full((2, 3), rank + 1.0)
    if rank == 1:
        second.grad = torch.arange(6.0).view(2, 3)
    average_gradients([first, second, frozen])
    torch.save([first.grad, second.grad, frozen.grad], f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_gradients_become_their_mean_over_processes(tmp_path: Path):
    # Forked, not spawned: importing everything again would take longer than all other tests of this folder.
    processes = start_processes(gradients_of_rank, (str(tmp_path),), nprocs=2, join=False, start_method="fork")
    deadline = time.monotonic() + SECONDS
    try:
        while not processes.join(timeout=1):
            assert time.monotonic() < deadline, f"not done after {SECONDS} s"
    finally:
        for process in processes.processes:
            process.kill()
    expected = [torch.full((2, 3), 1.5), torch.arange(6.0).view(2, 3) / 2, torch.zeros(2, 3)]
    for rank in range(2):
        for gradient, mean in zip(torch.load(tmp_path / f"{rank}.pt"), expected, strict=True):
            torch.testing.assert_close(gradient, mean)


def test_a_single_process_keeps_its_gradients():
    parameter = nn.Parameter(torch.zeros(3))
    unused = nn.Parameter(torch.zeros(3))
    parameter.grad = torch.arange(3.0)
    average_gradients([parameter, unused])
    torch.testing.assert_close(parameter.grad, torch.arange(3.0))
    assert unused.grad is None
