"""Temporary files that only the user of the server can read."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
import threading
from functools import cache
from pathlib import Path


@cache
def private_folder() -> Path:
    """The folder of all temporary files of this process and its children: uploaded scans and results.

    MONAI Label leaves them readable for everyone in the system's folder. It is removed when the process ends, also by
    SIGTERM.
    """
    folder = tempfile.mkdtemp(prefix="mri-denoise-label-")  # mode 0700
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    server = signal.getsignal(signal.SIGTERM)  # of uvicorn, which after SIGTERM ends without cleaning up
    if callable(server) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda _, frame: server(signal.SIGINT, frame))
    return Path(folder)
