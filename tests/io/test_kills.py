"""A process is killed at every step of writing: what it left is whole after the next run, and nothing hidden stays."""

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from monai_unsup_denoise import staging
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_folder, atomic_group, atomic_write, check_writable, write_json
from monai_unsup_denoise.staging import settle, staging_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which Windows has not")
#: Audit events of Python: of names that change, and of all that changes or reads a folder.
RENAMES = ("os.rename", "os.rmdir")
ALL = (*RENAMES, "fcntl.flock", "open", "os.mkdir", "os.remove", "os.scandir")


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch) -> None:
    """A killed process loses nothing that it has written; the disk is slow."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def is_killed(write: Callable[[], object], *, step: int, steps: Sequence[str] = RENAMES) -> bool:
    """Run ``write`` in a process that is killed (SIGKILL) before its step of this number; whether it got there."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = iter(range(step - 1, -1, -1))
    sys.addaudithook(lambda event, _: os.kill(os.getpid(), signal.SIGKILL) if event in steps and not next(left) else 0)
    try:
        write()
    finally:
        os._exit(0)


def is_interrupted(write: Callable[[], object], *, step: int) -> bool:
    """Run ``write`` in a process that Ctrl-C reaches before its step of this number; whether it ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    left = iter(range(step - 1, -1, -1))

    def interrupt(event: str, arguments: object) -> None:
        if event in ALL and next(left, None) == 0:
            raise KeyboardInterrupt

    sys.addaudithook(interrupt)
    try:
        write()
    except KeyboardInterrupt:
        os._exit(1)
    finally:
        os._exit(0)


def write_file(folder: Path, version: str) -> None:
    with atomic_write(folder / "a.nii.gz") as hidden:
        hidden.write_text(version)


def write_pair(folder: Path, version: str) -> None:
    with atomic_group(folder / "a.nii.gz") as place:
        write_file(place.parent, version)
        write_json(place.with_name("a.json"), {"version": version})


def write_series(folder: Path, version: str) -> None:
    with atomic_group(folder / "a") as place:
        with atomic_folder(place) as hidden:
            for name in ("1.dcm", "2.dcm"):
                (hidden / name).write_text(version)
        write_json(place.with_name("a.json"), {"version": version})


def read(folder: Path, *, hidden: bool = True) -> dict[str, str]:
    paths = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    content = {str(path): (folder / path).read_text() for path in paths if hidden or not str(path).startswith(".")}
    return {name: json.loads(text)["version"] if name == "a.json" else text for name, text in content.items()}


@pytest.mark.parametrize("steps", [RENAMES, pytest.param(ALL, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("write", "can_swap"), [(write_file, True), (write_pair, True), (write_series, True), (write_series, False)]
)
def test_killed_run_leaves_the_old_or_the_new(write, can_swap, steps, tmp_path, monkeypatch):
    if not can_swap:
        monkeypatch.setattr(staging, "_swap", lambda one, other: False)
    step, found = 0, []
    while True:
        step += 1
        folder = tmp_path / str(step)
        write(folder, "old")
        old = read(folder)
        killed = is_killed(partial(write, folder, "new"), step=step, steps=steps)
        seen = read(folder, hidden=False)
        if "a.json" in seen:  # at no instant beside another version
            assert set(seen.values()) == {seen["a.json"]} and len(seen) == len(old)
        if can_swap:
            assert len({text for name, text in seen.items() if name != "a.json"}) == 1
        settle(folder)
        after = read(folder)
        assert after in (old, dict.fromkeys(old, "new"))
        assert not [path for path in folder.iterdir() if path.name.startswith(".")]
        found.append(after == old)
        if not killed:
            break
    assert found == sorted(found, reverse=True) and 1 <= sum(found) < len(found) - 1


def test_first_run_that_is_killed_leaves_nothing_or_all(tmp_path):
    killed = True
    while killed:
        folder = tmp_path / f"{len(list(tmp_path.iterdir())) + 1:02}"
        killed = is_killed(partial(write_pair, folder, "new"), step=int(folder.name))
        check_writable(folder / "a.nii.gz", overwrite=True)  # as the next run does
        assert {path.name for path in folder.iterdir()} in (set(), {"a.nii.gz", "a.json"})


@pytest.mark.parametrize("write", [write_file, write_pair, write_series])
def test_interrupted_run_leaves_nothing_hidden(write, tmp_path):
    step, found, interrupted = 0, [], True
    while interrupted:
        step += 1
        folder = tmp_path / str(step)
        write(folder, "old")
        old = read(folder)
        interrupted = is_interrupted(partial(write, folder, "new"), step=step)
        assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]
        assert read(folder) in (old, dict.fromkeys(old, "new"))
        found.append(read(folder) == old)
    assert found == sorted(found, reverse=True) and 1 <= sum(found) < len(found) - 1


def test_what_a_running_process_writes_is_left_alone(tmp_path):
    ready, written = os.pipe()
    child = os.fork()
    if not child:
        with staging_folder(tmp_path):
            os.write(written, b"x")
            signal.pause()
    os.read(ready, 1)
    try:
        settle(tmp_path)
        write_file(tmp_path, "mine")
        (other,) = tmp_path.glob(".partial_*")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    settle(tmp_path)
    assert not other.exists() and read(tmp_path) == {"a.nii.gz": "mine"}


def test_settling_takes_only_what_is_ours(tmp_path):
    for name in (".partial_scans", ".partial_" + "0" * 15, "partial_" + "0" * 16):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scan.nii").touch()
    (tmp_path / (".partial_" + "1" * 16)).touch()
    (tmp_path / (".partial_" + "2" * 16)).symlink_to(tmp_path / ".partial_scans")
    before = sorted(tmp_path.rglob("*"))
    settle(tmp_path)
    settle(tmp_path / "nowhere")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("number", [1, 2, 3])
def test_interruption_between_renames_finishes_them(number, tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "_swap", lambda one, other: False)
    write_series(tmp_path, "old")
    replace, calls = os.replace, []

    def interrupted(one, other):
        replace(one, other)
        if tmp_path in (Path(one).parent, Path(other).parent):
            calls.append(one)
            if len(calls) == number:
                raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_series(tmp_path, "new")
    assert read(tmp_path) == {"a/1.dcm": "new", "a/2.dcm": "new", "a.json": "new"}
    assert not list(tmp_path.glob(".*"))


def test_replacement_that_the_disk_refuses_is_undone(tmp_path, monkeypatch):
    monkeypatch.setattr(staging, "_swap", lambda one, other: False)
    write_series(tmp_path, "old")
    replace = os.replace

    def refused(one, other):
        if Path(other) == tmp_path / "a" and "ready" in str(one):
            raise PermissionError(1, "Operation not permitted")
        replace(one, other)

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(InputError, match=r"a: cannot be written \(Operation not permitted\); give another output"):
        write_series(tmp_path, "new")
    assert read(tmp_path) == {"a/1.dcm": "old", "a/2.dcm": "old", "a.json": "old"}
    assert not list(tmp_path.glob(".*"))


def test_locks_that_are_not_there_leave_leftovers_alone(tmp_path, monkeypatch):
    is_killed(partial(write_pair, tmp_path, "new"), step=3)
    (left,) = tmp_path.glob(".partial_*")
    monkeypatch.setattr(staging, "fcntl", None)
    write_pair(tmp_path, "newer")
    assert left.exists() and read(tmp_path, hidden=False) == {"a.nii.gz": "newer", "a.json": "newer"}
