"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monai_unsup_denoise.errors import InputError


def check_writable(path: Path, *, overwrite: bool = False) -> None:
    """Say before any work is done whether a file can be written at ``path``.

    Raises:
        InputError: if it is a folder, exists (without ``overwrite``), or lies where nothing can be written.
    """
    if exists(path) and path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    if exists(path) and not overwrite:
        raise InputError(f"{path}: exists already; add --overwrite or give another output")
    check_parent(path)


def exists(path: Path) -> bool:
    """Whether there is anything at ``path``.

    Raises:
        InputError: for a name that the disk does not take, such as one that is too long.
    """
    try:
        return path.exists()
    except OSError as error:
        raise InputError(f"{path}: no possible name of a file ({error.strerror}); give a shorter one") from error


def check_parent(path: Path) -> None:
    """Say whether the folder that ``path`` lies in, or the nearest one above it that exists, can be written in.

    Raises:
        InputError: if not.
    """
    folder = path.absolute().parent
    while not exists(folder):
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"{path}: cannot be written, {folder} is not a folder; give another output")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{path}: cannot be written, no permission in {folder}; give another output")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` to write to; it replaces ``path`` when the block succeeds.

    An interrupted or failing block leaves nothing under either name. Of two processes that write the same file, the
    later one wins. The temporary name ends as ``path`` does, since writers choose the format by it. The content is on
    the disk before the name changes, so that a power failure leaves no empty file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".partial_", suffix=path.name[-7:], dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        os.chmod(partial, 0o666 & ~_umask())
        _flush(partial)
        os.replace(partial, path)
        _flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder`` to write into; it replaces ``folder`` when the block succeeds.

    Raises:
        InputError: if the disk refuses.
    """

    partial, old = (folder.absolute().with_name(f".{what}_{uuid.uuid4().hex}") for what in ("partial", "replaced"))
    try:
        partial.mkdir(parents=True)
        yield partial
        for path in (*partial.rglob("*"), partial):
            _flush(path)
        if folder.exists():
            os.replace(folder, old)
        os.replace(partial, folder)
        _flush(folder.absolute().parent)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror or error}); give another folder") from error
    finally:
        if old.exists() and not folder.exists():  # interrupted between the two
            os.replace(old, folder)
        for path in (partial, old):
            shutil.rmtree(path, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` whole or not at all.

    Raises:
        InputError: if the disk refuses.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` whole or not at all.

    Raises:
        InputError: if the disk refuses.
    """
    try:
        with atomic_write(path) as partial:
            # File names that are not UTF-8 become "\\udcfc", in JSON a valid escape.
            partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); make room or give another output") from error


def _flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk now."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
