"""The server as a process on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from tests_apps.label.scans import APP


class Server(NamedTuple):
    url: str
    app: Path
    studies: Path
    temporary: Path
    output: Path
    process: subprocess.Popen

    def said(self) -> str:
        """All that it printed and logged."""
        return self.output.read_text() + "".join(log.read_text() for log in (self.app / "logs").glob("*.log*"))


@contextmanager
def serve(folder: Path, scans: Path, *options: object, **environment: str) -> Iterator[Server]:
    """A server of a copy of the app in ``folder``, without internet and with the default bundle."""
    app = folder / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("model", "logs", "bin", "__pycache__"))
    temporary = folder / "tmp"
    temporary.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", app, "--studies", scans]
    command += ["--host", "127.0.0.1", "--port", str(port), *options]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "no_proxy": "127.0.0.1", "OMP_NUM_THREADS": "2", **environment}
    environment |= {"TMPDIR": str(temporary), "MONAI_LABEL_SESSION_PATH": str(folder / "sessions")}
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(list(map(str, command)), cwd=folder, env=environment, stdout=file, stderr=file)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/info/"), process, output)
        yield Server(f"http://127.0.0.1:{port}", app, scans, temporary, output, process)
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=60).ok
    except requests.ConnectionError:
        return False


def wait_for(condition: Callable, process: subprocess.Popen, output: Path, *, seconds: float = 180) -> None:
    """Wait for the condition; fail with the output of the process if it ends or takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end, output.read_text()[-3000:]
        time.sleep(0.5)
