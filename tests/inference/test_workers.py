"""Calls in processes of their own: what dies, fails or is stopped, and what a process must not do."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.workers import WorkerError, Workers


def act(what: object) -> object:
    """Run in the worker."""
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "refuse":
        raise InputError("scan: wrong; give another")
    if what == "fail":
        raise ZeroDivisionError("a defect")
    if what == "threads":
        return os.environ["OMP_NUM_THREADS"]
    return what, os.getpid()


def wait_for_ever(folder: Path) -> None:
    """Say that it has begun, wait, and remove that when it is interrupted."""
    try:
        (folder / str(os.getpid())).touch()
        time.sleep(600)
    finally:
        time.sleep(0.2)
        (folder / str(os.getpid())).unlink()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_process_that_dies_costs_its_call_alone() -> None:
    with Workers(act, processes=2, threads=1) as workers:
        calls = [workers.submit(what) for what in (0, "die", 2, 3, "die", 5)]
        for call in (calls[1], calls[4]):
            with pytest.raises(WorkerError, match=r"^its process was killed by SIGKILL, perhaps for lack of memory; "):
                call.result()
        done = [calls[number].result() for number in (0, 2, 3, 5)]
    assert [what for what, _ in done] == [0, 2, 3, 5]
    assert not any(is_running(pid) for _, pid in done)


def test_error_of_a_call_is_that_of_the_function() -> None:
    with Workers(act, processes=1, threads=3) as workers:
        refused, failed, threads, good, again = map(workers.submit, ("refuse", "fail", "threads", 3, 4))
        with pytest.raises(InputError, match=r"^scan: wrong; give another$"):
            refused.result()
        with pytest.raises(WorkerError, match=r"^ZeroDivisionError: a defect$"):
            failed.result()
        assert threads.result() == "3"
        assert good.result()[1] == again.result()[1] != os.getpid(), "one process for all"


def test_end_of_the_block_interrupts_the_calls(tmp_path: Path) -> None:
    with Workers(wait_for_ever, processes=2, threads=1) as workers:
        calls = [workers.submit(tmp_path) for _ in range(3)]
        deadline = time.monotonic() + 30
        while len(pids := [int(path.name) for path in tmp_path.iterdir()]) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(pids[0], signal.SIGTERM)
        time.sleep(0.1)  # the second comes while the first one cleans up
    assert not list(tmp_path.iterdir()) and not any(map(is_running, pids))
    assert all(call.done() for call in calls)


def test_no_module_of_the_current_folder_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pickle", "struct", "ctypes", "signal", "subprocess", "monai_unsup_denoise", "tests"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    with Workers(act, processes=1, threads=1) as workers:
        assert workers.submit(1).result()[0] == 1
    assert not (tmp_path / "run").exists()


def test_function_that_cannot_be_handed_over_is_refused() -> None:
    with pytest.raises(InputError, match=r"^jobs: not possible with this model \(.*\); leave it out$"):
        Workers(lambda what: what, processes=1, threads=1)
