"""Both neighbours of the node as processes of dcmtk, and the node itself, on the loopback interface."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from pydicom import dcmread

SENDER, NODE, ARCHIVE = "SCANNER", "DENOISE", "PACS"
_SECONDS = 90
_PORTS = range(20000, 32000)


def free_port() -> int:
    """A port that no client gets meanwhile: it is below those that systems give to them."""
    for port in random.SystemRandom().sample(_PORTS, 100):
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("", port))
            return port
    raise AssertionError("no free port")


def wait_for(condition: Callable[[], Any], what: str, seconds: float = _SECONDS, every: float = 0.2) -> Any:
    """The first true value of a condition."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(every)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def dcmtk(name: str) -> str | None:
    """A program of dcmtk, not pynetdicom's of the same name, which an activated environment puts before it."""
    folder = shutil.which("dcmdump")  # there is none of pynetdicom
    return shutil.which(name, path=Path(folder).parent) if folder else None


class Archive:
    """dcmtk's storescp, which writes each instance that it gets into a file of its own, also one that it has."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self.port, self._options = folder, free_port(), options
        self._process: subprocess.Popen | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> Archive:
        words = [dcmtk("storescp"), "--aetitle", ARCHIVE, "--output-directory", str(self.folder), "--unique-filenames"]
        self._process = subprocess.Popen(
            [*words, *self._options, str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, "archive")
        return self

    def start_refusing(self) -> Archive:
        """As `start`, but it rejects all associations."""
        self._options = ("--refuse",)
        return self.start()

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "storescp has ended"
        connections = psutil.Process(self._process.pid).net_connections()
        return any(one.status == psutil.CONN_LISTEN for one in connections)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def items(self) -> list:
        """The headers of the instances, without those that are being written."""
        found = []
        for path in self.folder.iterdir():
            try:
                found.append(dcmread(path, stop_before_pixels=True))
            except Exception:
                continue
        return found

    def times_received(self) -> Counter[str]:
        return Counter(str(item.SOPInstanceUID) for item in self.items())


class Node:
    """`mri-denoise listen` in a process of its own; its log of all runs is in one file."""

    def __init__(self, folder: Path, destinations: list[dict[str, Any]], **settings: Any) -> None:
        self.folder, self.port, self.health_port = folder, free_port(), free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.config, self._log = folder / "node.json", folder / "node.log"
        content = {"ae_title": NODE, "port": self.port, "health_port": self.health_port, "spool": "spool"}
        content |= {"callers": [SENDER], "quiet_seconds": 1, "interrupted_seconds": 8, "threads": 1}
        content |= {"longest_wait_seconds": 2, "min_free_gigabytes": 0.1, "destinations": destinations}
        self.config.write_text(json.dumps(content | settings))
        self.process: subprocess.Popen | None = None

    def start(self) -> Node:
        starts = len(self.events("started"))
        with open(self._log, "a") as log:
            code = "from monai_unsup_denoise.cli import main; main()"
            command = [sys.executable, "-c", code, "listen", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=os.environ | {"OMP_NUM_THREADS": "1"})
        wait_for(lambda: len(self.events("started")) > starts or self.process.poll() is not None, "start", 300)
        assert self.process.poll() is None, self.log()
        return self

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(_SECONDS)

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def get(self, page: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/{page}", timeout=30) as answer:
            return answer.read().decode()

    def metrics(self) -> dict[str, float]:
        lines = [line.rpartition(" ") for line in self.get("metrics").splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def in_spool(self, state: str) -> list[Path]:
        return sorted((self.folder / "spool" / state).iterdir())


def destination(archive: Archive, **settings: Any) -> dict[str, Any]:
    return {"name": "pacs", "ae_title": ARCHIVE, "host": "127.0.0.1", "port": archive.port, **settings}


def storescu(folder: Path, port: int, *options: str, caller: str = SENDER) -> subprocess.CompletedProcess:
    """Send the files of a folder over one association, as a scanner does."""
    command = [dcmtk("storescu"), *options, "-aet", caller, "-aec", NODE, "127.0.0.1", str(port), "+sd", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)


def echoscu(port: int, *options: str, caller: str = SENDER) -> int:
    command = [dcmtk("echoscu"), *options, "-aet", caller, "-aec", NODE, "127.0.0.1", str(port)]
    return subprocess.run(command, capture_output=True, timeout=_SECONDS).returncode
