"""Files and folders that are written whole or not at all, also where the process is killed."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.staging import flush, put_in_place, settle, staging_folder


def check_writable(path: Path, *, overwrite: bool = False) -> None:
    """Say before any work is done whether a file can be written at ``path``.

    Raises:
        InputError: if it is a folder, exists (without ``overwrite``), or lies where nothing can be written.
    """
    settle(path.parent)
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
    """A temporary file to write to, of the same name; it replaces ``path`` when the block succeeds.

    An interrupted or failing block leaves nothing. Of two processes that write the same file, the later one wins. The
    content is on the disk before the name changes, so that a power failure leaves no empty file.
    """
    with staging_folder(path.parent) as staging:
        partial = staging / path.name
        yield partial
        flush(partial)
        os.replace(partial, path)
        flush(path.parent)


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder to write into, of the same name; it replaces ``folder`` when the block succeeds.

    Raises:
        InputError: if the disk refuses.
    """
    with atomic_group(folder) as new:
        new.mkdir()
        yield new


@contextmanager
def atomic_group(path: Path) -> Iterator[Path]:
    """A temporary place for ``path``, a file or a folder, and for what belongs beside it, such as a sidecar.

    All that the block puts there replaces what lies beside ``path``, or none of it: also where the process is killed,
    once the next run writes there. Errors of the block name the final places.

    Raises:
        InputError: if the disk refuses.
    """
    path = path if path.name.strip(".") else path.resolve()  # . and ..
    try:
        with staging_folder(path.parent) as staging:
            new = staging / "new" / path.name
            new.parent.mkdir()
            try:
                yield new
            except InputError as error:
                hidden, final = (str(place)[: -len(path.name)] for place in (new, path))
                raise InputError(str(error).replace(hidden, final)) from error
            put_in_place(new.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); give another output") from error


def check_zip(path: str | Path) -> None:
    """Compare the checksums in a file of PyTorch, which PyTorch itself does not; other files pass.

    Raises:
        BadZipFile: if one of them is wrong.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as content:
            if damaged := content.testzip():
                raise zipfile.BadZipFile(f"{damaged}: its checksum is wrong")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` whole or not at all.

    Raises:
        InputError: if the disk refuses, and for NaN or infinity, which JSON does not have.
    """
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise InputError(f"{path}: cannot be written, a number is NaN or infinite; check the input") from error
    write_text(path, f"{text}\n")


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
