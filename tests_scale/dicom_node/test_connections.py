"""The two ends of the node, each in this process, against dcmtk: refusals, encodings, TLS, and what breaks."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from monai_unsup_denoise.dicom_node.completeness import Completeness
from monai_unsup_denoise.dicom_node.counts import Counts
from monai_unsup_denoise.dicom_node.delivery import Delivery
from monai_unsup_denoise.dicom_node.receiver import Receiver
from monai_unsup_denoise.dicom_node.sender import AwayError, Sender
from monai_unsup_denoise.dicom_node.settings import Destination, NodeSettings, read_settings
from monai_unsup_denoise.dicom_node.spool import Spool
from tests.io.dicom.synthetic import block, write_series
from tests_scale.dicom_node.conftest import SLICES
from tests_scale.dicom_node.machines import ARCHIVE, NODE, SENDER, Archive, destination, echoscu, storescu, wait_for


@pytest.fixture
def receive(tmp_path: Path, monkeypatch) -> Iterator[Callable[..., tuple[Receiver, Spool]]]:
    """Start the server of a node with these settings; nothing leaves its spool."""
    monkeypatch.setattr(tempfile, "tempdir", None)  # which the server sets
    with ExitStack() as stack:

        def start(max_series: int = 9, **settings: Any) -> tuple[Receiver, Spool]:
            content = {"ae_title": NODE, "port": 0, "spool": "spool", "callers": [SENDER], **settings}
            content["destinations"] = [{"name": "none", "ae_title": "NONE", "host": "127.0.0.1", "port": 1}]
            (tmp_path / "node.json").write_text(json.dumps(content))
            spool = Spool(tmp_path / "spool", max_series=max_series, max_bytes=1e9, min_free_bytes=0)
            receiver = Receiver(
                read_settings(tmp_path / "node.json"),
                spool=spool,
                completeness=Completeness(30, interrupted_seconds=600),
                counts=Counts(),
            )
            stack.callback(spool.close)
            stack.callback(receiver.close)
            return receiver, spool

        yield start


def to(archive: Archive, **settings: Any) -> Destination:
    return Destination(name="pacs", ae_title=ARCHIVE, host="127.0.0.1", port=archive.port, **settings)


def send(archive: Archive, folder: Path) -> list[Path]:
    sent: list[Path] = []
    Sender(to(archive), ae_title=NODE).send(sorted(folder.iterdir()), on_sent=sent.append)
    return sent


def test_a_full_queue_answers_out_of_resources(receive, series, tmp_path, capfd):
    receiver, spool = receive(max_series=1)
    other = tmp_path / "other"
    write_series(other, block((32, 32, SLICES)))
    (tmp_path / "rest").mkdir()
    last = max(series.iterdir())
    last.rename(tmp_path / "rest" / last.name)
    assert storescu(series, receiver.port).returncode == 0
    refused = storescu(other, receiver.port, "-v")
    assert refused.returncode != 0 and "OutOfResources" in refused.stdout + refused.stderr
    assert storescu(tmp_path / "rest", receiver.port).returncode == 0
    assert spool.count()["receiving"] == 1
    line = json.loads(next(line for line in capfd.readouterr().err.splitlines() if "refused" in line))
    assert (line["reason"], line["status"], line["caller"]) == ("queue", "A700", SENDER)


def test_a_damaged_instance_is_refused_and_not_kept(receive, series, monkeypatch):
    receiver, spool = receive()
    item = pydicom.dcmread(min(series.iterdir()))
    del item.SeriesInstanceUID
    item.save_as(series / "damaged.dcm")
    assert storescu(series, receiver.port).returncode != 0
    assert list((spool / "partial").iterdir()) == []


@pytest.mark.parametrize("syntax", ["--prefer-little", "--implicit"])
def test_an_archive_may_choose_the_encoding(syntax, tmp_path, series):
    archive = Archive(tmp_path / "archive", syntax).start()
    assert len(send(archive, series)) == SLICES
    archive.stop()
    stored = np.stack([pydicom.dcmread(path).pixel_array for path in sorted(series.iterdir())])
    arrived = sorted(archive.items(), key=lambda item: -item.InstanceNumber)
    assert np.array_equal(stored, np.stack([pydicom.dcmread(item.filename).pixel_array for item in arrived]))
    is_explicit = arrived[0].file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert is_explicit == (syntax == "--prefer-little")


def test_an_archive_that_is_away_is_said_to_be(archive, series):
    archive.stop()
    with pytest.raises(AwayError, match="no connection"):
        send(archive, series)
    sender = Sender(to(archive.start_refusing()), ae_title=NODE)
    for _ in range(60):  # pynetdicom overlooks one in five that come at once
        with pytest.raises(AwayError, match="rejected"):
            sender.echo()


def test_the_thread_of_an_association_takes_no_answer(archive):
    with Sender(to(archive), ae_title=NODE)._association({("1.2.840.10008.1.1", "1.2.840.10008.1.2")}) as association:
        association.dimse.msg_queue.put((1, object()))
        time.sleep(0.1)  # in which it would look for messages a hundred times
        assert association.dimse.msg_queue.qsize() == 1
        association.dimse.msg_queue.get()


def delivery_to(archive: Archive, folder: Path) -> tuple[Spool, Delivery]:
    """A spool and its delivery, which gives up after 1.5 seconds."""
    spool = Spool(folder, max_series=9, max_bytes=1e9, min_free_bytes=0)
    return spool, Delivery(
        to(archive),
        sender=Sender(to(archive), ae_title=NODE),
        spool=spool,
        counts=Counts(),
        others=["pacs"],
        longest_wait=0.2,
        retry_seconds=1.5,
    )


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_job_that_was_done_before_a_kill_leaves_the_spool(is_refused, archive, tmp_path):
    spool, delivery = delivery_to(archive, tmp_path / "spool")
    job = spool / "outgoing" / "job"
    (job / "denoised").mkdir(parents=True)
    (job / "pacs.done").touch()
    if is_refused:
        (job / "reason.txt").write_text("pacs refused it\n")
    stop = threading.Event()
    stop.set()  # the next one would only be tried
    delivery.run(threading.Event(), stop)
    spool.close()
    assert spool.count()["outgoing"] == 0 and [path.name for path in spool.jobs("dead")] == ["job"] * is_refused


def test_a_series_that_cannot_be_sent_becomes_a_dead_letter(archive, series, tmp_path):
    archive.stop()
    spool, delivery = delivery_to(archive, tmp_path / "spool")
    job = spool / "outgoing" / "job"
    job.mkdir()
    series.rename(job / "denoised")
    stop, more = threading.Event(), threading.Event()
    thread = threading.Thread(target=delivery.run, args=(more, stop))
    thread.start()
    (dead,) = wait_for(lambda: spool.jobs("dead"), "dead letter")
    reason = (dead / "reason.txt").read_text()
    archive.start()
    dead.rename(spool / "outgoing" / "job")  # another try
    (job / "reason.txt").unlink()
    more.set()
    wait_for(lambda: not spool.jobs("outgoing"), "delivery")
    stop.set()
    more.set()
    thread.join()
    spool.close()
    assert reason == "pacs did not take it (no connection) for longer than retry_hours\n"
    assert len(archive.items()) == SLICES and not spool.jobs("dead")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    """Keys and certificates of both ends, each its own authority, and of a stranger."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("node", "peer", "stranger"):
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}"]
        command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def dcmtk_tls(folder: Path, name: str, trusted: str) -> list[str]:
    return ["+tls", str(folder / f"{name}.key"), str(folder / f"{name}.pem"), "+cf", str(folder / f"{trusted}.pem")]


def test_tls_lets_in_only_those_with_a_certificate(receive, series, certificates):
    names = {"certificate": "node.pem", "key": "node.key", "ca": "peer.pem"}
    receiver, spool = receive(tls={key: str(certificates / name) for key, name in names.items()})
    assert echoscu(receiver.port) != 0
    assert echoscu(receiver.port, *dcmtk_tls(certificates, "stranger", "node")) != 0
    assert storescu(series, receiver.port, *dcmtk_tls(certificates, "peer", "node")).returncode == 0
    assert spool.count()["receiving"] == 1


def test_tls_sends_only_to_an_archive_that_is_trusted(series, tmp_path, certificates):
    archive = Archive(tmp_path / "archive", *dcmtk_tls(certificates, "peer", "node")).start()
    own = {"certificate": "node.pem", "key": "node.key"}
    settings = {}
    for trusted in ("peer", "stranger"):
        files = {key: str(certificates / name) for key, name in (own | {"ca": f"{trusted}.pem"}).items()}
        content = {"ae_title": NODE, "spool": "spool", "callers": [SENDER]}
        content["destinations"] = [destination(archive, tls=files)]
        (tmp_path / "node.json").write_text(json.dumps(content))
        settings[trusted]: NodeSettings = read_settings(tmp_path / "node.json")
    with pytest.raises(AwayError):
        Sender(settings["stranger"].destinations[0], ae_title=NODE).send(list(series.iterdir()), on_sent=print)
    sent: list[Path] = []
    Sender(settings["peer"].destinations[0], ae_title=NODE).send(sorted(series.iterdir()), on_sent=sent.append)
    archive.stop()
    assert len(sent) == len(archive.items()) == SLICES
