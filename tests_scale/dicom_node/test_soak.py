"""Many series from several senders, an archive that is away for a while, and a node that is killed in the middle."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.io.dicom.synthetic import block, write_series
from tests_scale.dicom_node.conftest import SLICES
from tests_scale.dicom_node.machines import Archive, Node, destination, storescu, wait_for

_SENDERS = 4


def send_until_taken(folder: Path, node: Node) -> None:
    """As a scanner does: the whole series again, until each of its instances was answered with success."""
    wait_for(lambda: storescu(folder, node.port).returncode == 0, f"sending {folder.name}", 1800, every=2)


def memory_of(node: Node, samples: list[tuple[int, int]], stop: threading.Event) -> None:
    """Sample the resident bytes of the node, and of the process that denoises, each second."""
    while not stop.wait(1):
        try:
            process = psutil.Process(node.process.pid)
            samples.append((process.memory_info().rss, sum(c.memory_info().rss for c in process.children())))
        except psutil.NoSuchProcess:
            continue


def soak(folder: Path, series: int, say: Callable[[str], None], jobs_at_a_time: int = 1) -> None:
    """Send so many series through a node with these accidents, and check what arrives."""
    sources = [folder / "sources" / f"{number:03d}" for number in range(series)]
    for source in sources:
        write_series(source, block((32, 32, SLICES)))
    archive = Archive(folder / "archive").start()
    limits = {"max_series": series // 3, "jobs": jobs_at_a_time}  # so that some are refused
    node = Node(folder / "node", [destination(archive)], **limits).start()
    samples: list[tuple[int, int]] = []
    stop = threading.Event()
    watcher = threading.Thread(target=memory_of, args=(node, samples, stop))
    watcher.start()
    start = time.monotonic()
    delivered = lambda: len({event["job"] for event in node.events("delivered")})  # noqa: E731
    try:
        with ThreadPoolExecutor(_SENDERS) as senders:
            sending = [senders.submit(send_until_taken, source, node) for source in sources]
            wait_for(lambda: delivered() >= series // 8, "first deliveries", 1200, every=1)
            archive.stop()
            wait_for(lambda: node.events("destination_away"), "archive away")
            time.sleep(5)
            archive.start()
            wait_for(lambda: delivered() >= series // 4, "more deliveries", 1200, every=1)
            node.end(signal.SIGKILL)
            node.start()
            wait_for(lambda: delivered() >= series // 4 + series // 10, "deliveries of the second run", 1200, every=1)
            begin = len(samples)  # when all is loaded
            for one in sending:
                one.result()
        sent = time.monotonic() - start
        wait_for(lambda: len(archive.times_received()) >= series * SLICES, "all arrive", 1800, every=2)
        wait_for(lambda: not any(node.in_spool(state) for state in ("receiving", "waiting", "outgoing")), "empty spool")
        kept = np.array(samples[begin:]) / 1e6
        refused = len(node.events("refused"))
        assert node.end() == 0
    finally:
        stop.set()
        watcher.join()
        archive.stop()
        if node.process.poll() is None:
            node.end(signal.SIGKILL)
    times = archive.times_received()
    origins = {item.SOPInstanceUID: item.SourceImageSequence[0].ReferencedSOPInstanceUID for item in archive.items()}
    arrived = len({item.SeriesInstanceUID for item in archive.items()})
    repeated = sum(times.values()) - len(times)
    jobs = {name: {event["job"] for event in node.events(name)} for name in ("complete", "denoised", "delivered")}
    say(
        f"{series} series sent in {sent:.0f} s, {len(jobs['complete'])} complete, {len(jobs['denoised'])} denoised, "
        f"{len(jobs['delivered'])} delivered, {arrived} at the archive; {len(times)} instances, {repeated} sent again "
        f"under the same UID; {refused} refusals, {len(node.events('destination_away'))} tries while away, "
        f"{time.monotonic() - start:.0f} s in all"
    )
    thirds = [part.mean(axis=0) for part in np.array_split(kept, 3)]
    means = ", ".join(f"{own:.0f} + {workers:.0f}" for own, workers in thirds)
    say(f"MB of the node + the processes that denoise, in thirds of the time after the kill: {means}")
    assert not node.in_spool("dead")
    assert arrived == series and len(times) == series * SLICES
    assert len(set(origins.values())) == series * SLICES  # each source image has one result
    assert repeated <= 1  # the one on its way when the node was killed
    # A line of the log may be missing from the moment of the kill.
    assert all(series - 1 <= len(found) <= series for found in jobs.values())
    assert (thirds[2] < 1.1 * thirds[0] + 10).all()


def test_each_of_24_series_arrives_exactly_once(tmp_path):
    soak(tmp_path, 24, print)


@pytest.mark.slow
def test_each_of_200_series_arrives_exactly_once(tmp_path, capsys):
    def say(line: str) -> None:
        with capsys.disabled():
            print(line)

    soak(tmp_path, 200, say, jobs_at_a_time=2)
