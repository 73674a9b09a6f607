"""Of scans one after the other, the next is read and the last written while one is computed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from monai_unsup_denoise.inference.overlap import overlapped
from monai_unsup_denoise.inference.scans import Steps

SECONDS = 5  # that a step waits at most for one that should run beside it


def nothing(number: int) -> None:
    pass


def scan(
    number: int,
    *,
    read: Callable[[int], object] = nothing,
    compute: Callable[[int], object] = nothing,
    write: Callable[[int], object] = nothing,
) -> Steps:
    read(number)
    yield
    compute(number)
    yield
    write(number)
    return f"line {number}"


def lines(outcomes: list[Future]) -> list[str]:
    return [repr(outcome.exception()) if outcome.exception() else outcome.result() for outcome in outcomes]


def test_next_is_read_and_last_written_while_one_is_computed() -> None:
    is_read, is_begun, is_written = ([threading.Event() for _ in range(4)] for _ in range(3))

    def compute(number: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        is_begun[number].set()
        assert number == 3 or is_read[number + 1].wait(SECONDS)
        assert number == 0 or is_written[number - 1].wait(SECONDS)

    def write(number: int) -> None:
        assert number == 3 or is_begun[number + 1].wait(SECONDS)
        is_written[number].set()

    scans = [scan(number, read=lambda n: is_read[n].set(), compute=compute, write=write) for number in range(4)]
    assert lines(list(overlapped(scans))) == ["line 0", "line 1", "line 2", "line 3"]


def test_only_one_scan_is_read_ahead() -> None:
    read: list[int] = []
    scans = [scan(number, read=read.append, compute=lambda n: seen.append(max(read) - n)) for number in range(6)]
    seen: list[int] = []
    for _ in overlapped(scans):
        pass
    assert sorted(read) == list(range(6)) and max(seen) <= 1


def test_failures_and_early_ends_keep_their_order() -> None:
    def fail(number: int) -> None:
        raise ValueError(number)

    def done_already() -> Steps:
        return "done already"
        yield

    failing = [scan(number, **{step: fail}) for number, step in enumerate(("read", "compute", "write"))]
    outcomes = list(overlapped([*failing, done_already(), scan(4), scan(5, write=fail)]))
    assert lines(outcomes) == [*(f"ValueError({n})" for n in range(3)), "done already", "line 4", "ValueError(5)"]
    assert lines(list(overlapped([]))) == []


def test_what_is_computed_is_written_after_an_interrupt() -> None:
    written: list[int] = []

    def compute(number: int) -> None:
        if number == 1:
            raise KeyboardInterrupt

    outcomes = overlapped([scan(number, compute=compute, write=written.append) for number in range(4)])
    with pytest.raises(KeyboardInterrupt):
        list(outcomes)
    assert written == [0]
