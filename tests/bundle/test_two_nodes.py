"""Two nodes, here two torchrun agents on loopback, train as one node of two processes, also if one dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

_LONG = 240  # seconds
#: By default torchrun shares a store with the trainings, which a node that comes later cannot find (pytorch#135712).
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}


@pytest.fixture
def command(training_command: Callable) -> Callable[..., list[str]]:
    """The command of a tiny training for two processes, which leaves the weights of each."""

    def make(folder: Path, **overrides: object) -> list[str]:
        return training_command(
            folder,
            "train.json",
            "multi_gpu_train.json",
            max_epochs=4,
            finalize=[
                f"$torch.save(@networks.state_dict(), '{folder}/rank%d.pt' % @rank)",
                "$torch.distributed.destroy_process_group()",
            ],
            **overrides,
        )[1:]

    return make


@pytest.fixture
def start(repository: Path, tmp_path: Path) -> Callable[..., subprocess.Popen]:
    """Start an agent of one process on one of two nodes; its output goes to a file. The meeting point is at a host."""
    agents = []

    def run(node: str, port: int, command: list[str], *, host: bool) -> subprocess.Popen:
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1"]
        meeting = ["--rdzv_backend=c10d", f"--rdzv_endpoint=127.0.0.1:{port}", "--rdzv_id=nodes", "--max_restarts=3"]
        meeting += [f"--rdzv_conf=is_host={int(host)}"]  # on one machine, both could be
        with (tmp_path / f"{node}.log").open("ab") as log:
            agent = subprocess.Popen(
                [*torchrun, *meeting, *command],
                cwd=repository,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | _ENVIRONMENT,
            )
        agents.append(agent)
        return agent

    yield run
    for agent in agents:
        kill(agent)


def kill(agent: subprocess.Popen) -> None:
    """As a node dies: agent and process at once, without a word."""
    if agent.poll() is None:
        for process in descendants(agent.pid):
            os.kill(process, signal.SIGKILL)
        agent.kill()
        agent.wait()


def descendants(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def finish(agent: subprocess.Popen, log: Path) -> None:
    assert agent.wait(timeout=_LONG) == 0, log.read_text()[-3000:]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    """Of both processes, which are equal."""
    first, second = (torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    return first


@pytest.mark.slow
def test_two_nodes_give_the_weights_of_one_and_survive_a_death(
    command: Callable, start: Callable, runs: Callable, repository: Path, tmp_path: Path
) -> None:
    folders = {name: tmp_path / name for name in ("one", "two", "dies")}
    for folder in folders.values():
        folder.mkdir()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    one = [*torchrun, *command(folders["one"], experiment_name="one")]
    done = subprocess.run(one, cwd=repository, capture_output=True, text=True, timeout=_LONG)
    assert done.returncode == 0, done.stderr
    expected = weights(folders["one"])

    port = free_port()
    agents = [
        start(node, port, command(folders["two"], experiment_name="two"), host=node == "first")
        for node in ("first", "second")
    ]
    for agent, node in zip(agents, ("first", "second"), strict=True):
        finish(agent, tmp_path / f"{node}.log")
    found = weights(folders["two"])
    assert all(torch.equal(found[name], expected[name]) for name in expected), "as one node of two processes"

    port, dying = free_port(), command(folders["dies"], experiment_name="dies", resume="if_any")
    first, second = start("stays", port, dying, host=True), start("dies", port, dying, host=False)
    checkpoints = folders["dies"] / "output" / "checkpoints"
    deadline = time.monotonic() + _LONG
    while not list(checkpoints.glob("*/checkpoint_epoch=1.pt")):
        assert time.monotonic() < deadline and first.poll() is None, (tmp_path / "stays.log").read_text()[-3000:]
        time.sleep(0.05)
    kill(second)
    again = start("again", port, dying, host=False)
    finish(first, tmp_path / "stays.log")
    finish(again, tmp_path / "again.log")
    assert "resuming from" in (tmp_path / "stays.log").read_text() + (tmp_path / "again.log").read_text()
    found = weights(folders["dies"])
    assert all(torch.equal(found[name], expected[name]) for name in expected), "as if no node had died"
    for name in ("one", "two", "dies"):
        (run,) = runs(name)
        assert run.info.status == "FINISHED", "one run in MLflow, also of a training that was taken up again"
