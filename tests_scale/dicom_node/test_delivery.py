"""What is sent to the node, and what arrives behind it."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from tests.io.dicom.synthetic import PATIENT, block, write_series
from tests_scale.dicom_node.conftest import SLICES
from tests_scale.dicom_node.machines import echoscu, storescu, wait_for


def test_a_stored_series_arrives_denoised_and_once(start_node, archive, series):
    node = start_node()
    assert echoscu(node.port) == 0
    for _ in range(2):  # a sender that sends the series again
        assert storescu(series, node.port).returncode == 0
    wait_for(lambda: node.events("delivered"), "delivery")
    assert storescu(series, node.port).returncode == 0
    sources = [pydicom.dcmread(path) for path in series.iterdir()]
    arrived = archive.items()
    assert set(archive.times_received().values()) == {1} and len(arrived) == SLICES
    assert {item.SourceImageSequence[0].ReferencedSOPInstanceUID for item in arrived} == {
        item.SOPInstanceUID for item in sources
    }
    assert {item.SeriesInstanceUID for item in arrived}.isdisjoint(item.SeriesInstanceUID for item in sources)
    assert {str(item.PatientName) for item in arrived} == {PATIENT["PatientName"]}
    counts = node.metrics()
    assert counts["mri_denoise_instances_received_total"] == SLICES
    assert counts["mri_denoise_instances_repeated_total"] == 2 * SLICES
    assert counts['mri_denoise_series_delivered_total{destination="pacs"}'] == 1
    assert node.end() == 0
    assert not node.in_spool("outgoing") and not node.in_spool("receiving")


def test_originals_are_forwarded_byte_for_byte(start_node, archive, series):
    node = start_node(originals=True)
    assert storescu(series, node.port).returncode == 0
    wait_for(lambda: node.events("delivered"), "delivery")
    arrived = {item.SOPInstanceUID: item.filename for item in archive.items()}
    assert len(arrived) == 2 * SLICES
    for path in series.iterdir():
        source = pydicom.dcmread(path)
        other = pydicom.dcmread(arrived[source.SOPInstanceUID])
        assert other == source and other.PixelData == source.PixelData


def test_what_is_no_mr_is_forwarded_and_a_dead_letter(start_node, archive, tmp_path):
    write_series(tmp_path / "ct", block((32, 32, SLICES)), Modality="CT")
    node = start_node(originals=True)
    assert storescu(tmp_path / "ct", node.port).returncode == 0
    (dead,) = wait_for(lambda: node.in_spool("dead"), "dead letter")
    assert (dead / "reason.txt").read_text() == "modality is not MR; only MR images are denoised\n"
    assert len(archive.items()) == SLICES
    assert node.metrics()['mri_denoise_series_dead_total{step="denoising"}'] == 1


@pytest.mark.parametrize("syntax", ["--prefer-little", "--implicit"])
def test_an_archive_may_choose_the_encoding(syntax, archive, start_node, series):
    archive.stop()
    archive._options = (syntax,)
    archive.start()
    node = start_node()
    assert storescu(series, node.port).returncode == 0
    wait_for(lambda: node.events("delivered"), "delivery")
    pixels = [pydicom.dcmread(item.filename).pixel_array for item in archive.items()]
    assert len(pixels) == SLICES and np.mean(pixels) == pytest.approx(np.mean(block((32, 32, SLICES))), rel=0.1)


def test_only_listed_senders_get_an_association(start_node, series):
    node = start_node()
    assert echoscu(node.port, caller="STRANGER") != 0
    assert storescu(series, node.port, caller="STRANGER").returncode != 0
    assert [event["caller"] for event in node.events("rejected")] == ["unknown", "unknown"]
    assert not node.in_spool("receiving")


def test_a_full_queue_refuses_new_series_alone(start_node, archive, tmp_path):
    archive.stop()  # so that nothing leaves
    for name in ("one", "two"):
        write_series(tmp_path / name, block((32, 32, SLICES)))
    node = start_node({"max_series": 1, "quiet_seconds": 600})
    first = sorted((tmp_path / "one").iterdir())
    (tmp_path / "rest").mkdir()
    first[0].rename(tmp_path / "rest" / first[0].name)
    assert storescu(tmp_path / "one", node.port).returncode == 0
    refused = storescu(tmp_path / "two", node.port, "-v")
    assert refused.returncode != 0 and "OutOfResources" in (refused.stdout + refused.stderr).replace(" ", "")
    assert storescu(tmp_path / "rest", node.port).returncode == 0
    assert node.events("refused")[0] | {"time": ""} == {
        "time": "",
        "event": "refused",
        "reason": "queue",
        "status": "A700",
        "caller": "SCANNER",
    }
