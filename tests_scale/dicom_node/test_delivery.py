"""What is sent to a node, and what arrives behind it: the tests follow each other on one node."""

from __future__ import annotations

import json
import urllib.error

import numpy as np
import pydicom
import pytest

from tests.io.dicom.synthetic import block, write_series
from tests.privacy.conftest import PATIENT_TAGS, TAG_WORDS, said
from tests_scale.dicom_node.conftest import SLICES
from tests_scale.dicom_node.machines import Archive, Node, echoscu, storescu, wait_for


def of_series(archive: Archive, folder) -> tuple[list, list]:
    """The sources in a folder, and the instances that the archive has of their patient."""
    sources = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    return sources, [item for item in archive.items() if item.PatientID == sources[0].PatientID]


@pytest.fixture(scope="module")
def sent(pair, tmp_path_factory):
    """A series that was sent again and again, with a word of its own in each tag about the patient."""
    node, archive = pair
    folder = tmp_path_factory.mktemp("sent") / "series"
    write_series(folder, block((32, 32, SLICES)), **PATIENT_TAGS)
    for _ in range(2):
        assert storescu(folder, node.port).returncode == 0
    wait_for(lambda: node.events("delivered"), "delivery")
    assert storescu(folder, node.port).returncode == 0
    return folder


def test_the_node_answers_an_echo(pair):
    assert echoscu(pair[0].port) == 0


def test_a_stored_series_arrives_denoised_and_once(pair, sent):
    node, archive = pair
    sources, arrived = of_series(archive, sent)
    originals = {item.SOPInstanceUID for item in sources}
    derived = [item for item in arrived if item.SOPInstanceUID not in originals]
    assert len(arrived) == 2 * SLICES and len(derived) == SLICES
    assert {item.SourceImageSequence[0].ReferencedSOPInstanceUID for item in derived} == originals
    noisy, denoised = (np.stack([pydicom.dcmread(x.filename).pixel_array for x in some]) for some in (sources, derived))
    noisy, denoised = (stack[stack > 600] for stack in (noisy, denoised))  # the block, 1200 and noise of 40
    assert denoised.std() < 0.8 * noisy.std() and denoised.mean() == pytest.approx(noisy.mean(), rel=0.05)
    counts = node.metrics()
    assert counts["mri_denoise_instances_received_total"] == SLICES
    assert counts["mri_denoise_instances_repeated_total"] == 2 * SLICES
    assert counts['mri_denoise_series_delivered_total{destination="pacs"}'] == 1


def test_originals_are_forwarded_untouched(pair, sent):
    sources, arrived = of_series(pair[1], sent)
    by_uid = {item.SOPInstanceUID: pydicom.dcmread(item.filename) for item in arrived}
    for source in sources:
        other = by_uid[source.SOPInstanceUID]
        assert other == source and other.PixelData == source.PixelData


def test_log_and_pages_hold_nothing_of_the_patient(pair, sent):
    node, _ = pair
    assert json.loads(node.get("health")) == {"status": "ok", "problems": []}
    with pytest.raises(urllib.error.HTTPError, match="404"):
        node.get("config")
    words = TAG_WORDS | {str(pydicom.dcmread(path).SOPInstanceUID) for path in sent.iterdir()}
    assert not said(node.log() + node.get("metrics") + node.get("health"), words)
    assert all(line.startswith("{") for line in node.log().splitlines())


def test_only_listed_senders_get_an_association(pair, series):
    node, _ = pair
    assert echoscu(node.port, caller="STRANGER") != 0
    assert storescu(series, node.port, caller="STRANGER").returncode != 0
    assert [event["caller"] for event in node.events("rejected")] == ["unknown", "unknown"]
    assert not node.in_spool("receiving")


def test_what_is_no_mr_is_forwarded_and_a_dead_letter(pair, tmp_path):
    node, archive = pair
    write_series(tmp_path / "ct", block((32, 32, SLICES)), Modality="CT", PatientID="of-ct")
    assert storescu(tmp_path / "ct", node.port).returncode == 0
    (dead,) = wait_for(lambda: node.in_spool("dead"), "dead letter")
    assert (dead / "reason.txt").read_text() == "modality is not MR; only MR images are denoised\n"
    assert len(of_series(archive, tmp_path / "ct")[1]) == SLICES
    assert node.metrics()['mri_denoise_series_dead_total{step="denoising"}'] == 1


def test_a_second_node_refuses_the_spool(pair):
    node = Node.__new__(Node)
    node.__dict__ |= pair[0].__dict__ | {"process": None}
    with pytest.raises(AssertionError, match="another node uses this spool"):
        node.start()


def test_a_stopped_node_ends_with_code_0(pair):
    node, _ = pair
    assert node.end() == 0
    assert not any(node.in_spool(state) for state in ("receiving", "waiting", "outgoing", "partial"))
