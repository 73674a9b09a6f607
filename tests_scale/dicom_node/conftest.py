"""A node between a sender and an archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.io.dicom.synthetic import block, write_series
from tests_scale.dicom_node.machines import Archive, Node, dcmtk, destination

SLICES = 8


@pytest.fixture(autouse=True, scope="session")
def needs_dcmtk() -> None:
    """The other ends of the connections."""
    missing = [name for name in ("storescu", "storescp", "echoscu") if dcmtk(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} of dcmtk: apt-get install dcmtk")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    archive = Archive(tmp_path / "archive").start()
    yield archive
    archive.stop()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Archive]]:
    """A node, and the archive behind it, which wants the originals, too."""
    folder = tmp_path_factory.mktemp("node")
    archive = Archive(folder / "archive").start()
    node = Node(folder / "node", [destination(archive, originals=True)]).start()
    yield node, archive
    if node.process.poll() is None:
        node.end()
    archive.stop()


@pytest.fixture
def series(tmp_path: Path) -> Path:
    write_series(tmp_path / "series", block((32, 32, SLICES)))
    return tmp_path / "series"
