"""Hidden folders for what is not complete yet, also where the process is killed.

What is written lies in a hidden folder beside its place until it is complete and on the disk. The process holds a lock
in it. A folder that nobody holds is left by a process that was killed: the next run into the same place puts what was
complete in its place, and removes the rest.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and nothing is taken for left over
    fcntl = None  # type: ignore[assignment]

_NAME = r"\.partial_[0-9a-f]{16}"
_LOCK, _READY, _OLD = ".lock", "ready", "old"


class _NoLocksError(OSError):
    """The system or the file system has no locks."""


@contextmanager
def staging_folder(parent: Path) -> Iterator[Path]:
    """A locked hidden folder in ``parent``, removed at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    settle(parent)
    folder, handle = parent / f".partial_{uuid.uuid4().hex[:16]}", None
    try:
        handle = _make(folder)
        yield folder
    finally:
        try:
            _finish(folder)
        except KeyboardInterrupt:  # a signal that came just now
            _finish(folder)
            raise
        finally:
            if handle is not None:
                os.close(handle)


def put_in_place(new: Path) -> None:
    """Move what is in ``new``, a folder in a staging folder, to the parent of that: all of it, or nothing.

    Where the process is killed meanwhile, `settle` completes it. A sidecar (.json) leaves first and comes last, so that
    none stands beside files of another version.
    """
    folder = new.parent
    for path in (*new.rglob("*"), new):
        flush(path)
    (folder / _OLD).mkdir()
    # A swap leaves no trace of whether it took place, but the inodes of the new folders tell.
    inodes = [str(path.stat().st_ino) for path in new.iterdir() if path.is_dir()]
    new.rename(folder / "_".join([_READY, *inodes]))
    flush(folder)
    _commit(folder, is_first=True)
    flush(folder.parent)


def settle(parent: Path) -> None:
    """Complete or remove what killed processes left in ``parent``. What running ones write there stays."""
    with suppress(OSError):
        for entry in list(os.scandir(parent)):
            if re.fullmatch(_NAME, entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    handle = _lock(parent / entry.name)
                    try:
                        _finish(parent / entry.name)
                    finally:
                        os.close(handle)


def flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk now."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _make(folder: Path) -> int | None:
    """Make a staging folder; the handle of its lock, where there are locks."""
    while True:
        with suppress(FileExistsError):
            folder.mkdir()
        try:
            return _lock(folder)
        except (BlockingIOError, FileNotFoundError):  # another process took it for left over, and removes it
            continue
        except _NoLocksError:
            return None


def _lock(folder: Path) -> int:
    """Take the lock of a staging folder. It ends with the process; on a network drive it holds for all computers.

    Raises:
        BlockingIOError: if a process has it.
        FileNotFoundError: if the folder is gone.
    """
    path = folder / _LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is None:
            raise _NoLocksError
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            raise _NoLocksError from error
        os.stat(path)  # gone if the process that had the lock has removed it meanwhile
    except BaseException:
        os.close(handle)
        raise
    return handle


def _finish(folder: Path) -> None:
    """Put what is ready in its place or, if the disk refuses that, the old one back; then remove the folder."""
    try:
        _commit(folder)
    except OSError:
        for old in (folder / _OLD).iterdir():
            if not os.path.lexists(folder.parent / old.name):
                os.replace(old, folder.parent / old.name)
    shutil.rmtree(folder, ignore_errors=True)


def _commit(folder: Path, *, is_first: bool = False) -> None:
    """Put what is ready in its place; after an interruption, the rest of it."""
    for ready in folder.glob(f"{_READY}*"):
        items = sorted(ready.iterdir(), key=lambda path: path.suffix == ".json")
        for item in items:
            target = folder.parent / item.name
            if item.suffix == ".json" and not target.is_dir():
                with suppress(FileNotFoundError):
                    os.replace(target, folder / _OLD / item.name)
        for item in items:
            target = folder.parent / item.name
            if item.is_dir() and os.path.lexists(target):
                was_swapped = not is_first and str(item.stat().st_ino) not in ready.name.split("_")
                if was_swapped or _swap(item, target):
                    continue
                os.replace(target, folder / _OLD / item.name)
            os.replace(item, target)


def _swap(one: Path, other: Path) -> bool:
    """Swap two names in one step; False where the kernel or the file system cannot."""
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)
