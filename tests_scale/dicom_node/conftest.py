"""A node between a sender and an archive."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.io.dicom.synthetic import block, write_series
from tests_scale.dicom_node.machines import Archive, Node, destination

SLICES = 8


@pytest.fixture(autouse=True, scope="session")
def dcmtk() -> None:
    """The other ends of the connections."""
    missing = [name for name in ("storescu", "storescp", "echoscu") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} of dcmtk: apt-get install dcmtk")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path / "archive").start()
    yield archive
    archive.stop()


@pytest.fixture
def start_node(tmp_path: Path, archive: Archive) -> Iterator[Callable[..., Node]]:
    """Start a node with these settings of its destination, and others in ``node``."""
    with ExitStack() as stack:

        def start(node: dict[str, Any] | None = None, **settings: Any) -> Node:
            started = Node(tmp_path / "node", [destination(archive, **settings)], **(node or {})).start()
            stack.callback(lambda: started.process.poll() is None and started.end())
            return started

        yield start


@pytest.fixture
def series(tmp_path: Path) -> Path:
    write_series(tmp_path / "series", block((32, 32, SLICES)))
    return tmp_path / "series"
