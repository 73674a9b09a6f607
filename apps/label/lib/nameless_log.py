"""A log without names: scans are named after persons."""

from __future__ import annotations

import hashlib
import logging
import os
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

#: Our own lines. Those of MONAI Label below warnings hold whole requests.
log = logging.getLogger("mri_denoise_label")


def name_of(scan: str) -> str:
    """Name of a scan in the log: the start of the SHA-256 of its id."""
    return f"scan {hashlib.sha256(os.fsencode(scan)).hexdigest()[:8]}"


def keep_names_out(studies: str, ids: Callable[[], list[str]]) -> None:
    """Replace, in all that this process logs from now on, the scans by `name_of`, and files and folders by "...".

    Of an exception its kind and the lines of code stay; its message may quote a patient's tag.

    Args:
        studies: folder of the scans.
        ids: of the scans, now.
    """
    log.setLevel(logging.INFO)
    logging.getLogger("monailabel").setLevel(logging.WARNING)
    logging.setLogRecordFactory(partial(_record, lambda text: _without_names(text, studies, ids())))


def _record(clean: Callable[[str], str], *args: Any, **options: Any) -> logging.LogRecord:
    record = logging.LogRecord(*args, **options)
    record.msg = clean(str(record.msg))
    if isinstance(record.args, tuple):
        record.args = tuple(each if isinstance(each, (int, float)) else clean(str(each)) for each in record.args)
    else:
        record.msg, record.args = clean(record.getMessage()), ()
    if record.exc_info and record.exc_info[0]:
        lines = traceback.format_tb(record.exc_info[2])
        record.exc_text = "".join([*lines, record.exc_info[0].__name__])
    return record


def _without_names(text: str, studies: str, ids: list[str]) -> str:
    found = [name for name in ids if len(name) > 2 and name in text]
    for name in found:  # a folder's files first: their names may hold its own
        for file in sorted(_files(os.path.join(studies, name)), key=len, reverse=True):
            text = text.replace(file, "...")
    for name in sorted([*found, *(name for name in ids if quote(name) in text)], key=len, reverse=True):
        text = text.replace(name, name_of(name)).replace(quote(name), name_of(name))
    return text.replace(studies, "...")


def _files(folder: str) -> Iterator[str]:
    if os.path.isdir(folder):
        yield from os.listdir(folder)
