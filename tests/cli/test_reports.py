"""`--report`: a page about each scan, and an index of those of a folder."""

import json
import os
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.scan_report import read_summary
from tests.io.dicom.synthetic import write_series

USUAL = ("--no-refine", "--report")


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_report_has_the_numbers_of_the_sidecar(scan, tmp_path, identity, mri_denoise):
    outcome = mri_denoise("denoise", scan, tmp_path / "out" / "x.nii.gz", *USUAL, "--model", identity)
    assert outcome.code == 0, outcome.err
    assert names(tmp_path / "out") == ["x.json", "x.nii.gz", "x_report.html"]
    sidecar = json.loads((tmp_path / "out" / "x.json").read_text())
    summary = read_summary(tmp_path / "out" / "x_report.html")
    assert summary["name"] == "scan.nii.gz" and summary["noise"].items() <= sidecar.items()
    assert "(no refinement stage)" in (tmp_path / "out" / "x_report.html").read_text()


def test_maps_are_written_only_if_asked_for(scan, tmp_path, identity, mri_denoise):
    command = ("denoise", scan, tmp_path / "out" / "x.nii.gz", *USUAL, "--varying-noise", "--model", identity)
    outcome = mri_denoise(*command, "--maps", "uncertainty")
    assert outcome.code == 0, outcome.err
    assert names(tmp_path / "out") == ["x.json", "x.nii.gz", "x_report.html", "x_uncertainty.nii.gz"]
    page = (tmp_path / "out" / "x_report.html").read_text()
    assert "<h2>Noise level</h2>" in page and "<h2>Uncertainty</h2>" in page


def test_a_folder_has_an_index_of_what_could_be_done(scan, tmp_path, volume, identity, mri_denoise):
    (scan.parent / "sub").mkdir()
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), scan.parent / "sub" / "other.nii")
    (scan.parent / "bad.nii").write_text("no scan")
    outcome = mri_denoise("denoise", scan.parent, tmp_path / "out", *USUAL, "--model", identity)
    assert outcome.code == 1 and "1 of 3 scans could not be denoised" in outcome.err
    page = (tmp_path / "out" / "index.html").read_text()
    assert 'href="scan_report.html"' in page and 'href="sub/other_report.html"' in page and "2 scans: " in page


def test_4d_scan_has_a_report_on_its_first_filled_volume(tmp_path, volume, identity, mri_denoise):
    stack = np.stack([np.zeros_like(volume), volume, 2 * volume], axis=-1)
    nibabel.save(nibabel.Nifti1Image(stack, np.eye(4)), tmp_path / "series.nii.gz")
    outcome = mri_denoise("denoise", tmp_path / "series.nii.gz", tmp_path / "out.nii.gz", *USUAL, "--model", identity)
    assert outcome.code == 0, outcome.err
    assert read_summary(tmp_path / "out_report.html")["name"] == "series.nii.gz, volume 1"
    page = (tmp_path / "out_report.html").read_text()
    assert "<h2>Removed</h2>" in page and "<h2>Noise level</h2>" not in page, "a map of one value shows nothing"
    assert not (tmp_path / "out_sigma.nii.gz").exists()


def test_report_of_a_dicom_series_names_nobody(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "QUELLMANN^EVA")
    outcome = mri_denoise("denoise", tmp_path / "QUELLMANN^EVA", f"{tmp_path}/out/", *USUAL, "--model", identity)
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "out_report.html").read_text()
    assert "DICOM series" in page and "QUELLMANN" not in page


def test_an_existing_report_is_kept_without_overwrite(scan, tmp_path, identity, mri_denoise):
    (tmp_path / "x_report.html").write_text("mine")
    command = ("denoise", scan, tmp_path / "x.nii.gz", *USUAL, "--model", identity)
    outcome = mri_denoise(*command)
    assert outcome.code == 1 and "x_report.html: exists already; add --overwrite" in outcome.err
    assert not (tmp_path / "x.nii.gz").exists() and (tmp_path / "x_report.html").read_text() == "mine"
    assert mri_denoise(*command, "--overwrite").code == 0
    assert read_summary(tmp_path / "x_report.html")


def test_another_index_is_kept_and_said_before_the_work(scan, tmp_path, identity, mri_denoise):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.html").write_text("mine")
    outcome = mri_denoise("denoise", scan.parent, tmp_path / "out", *USUAL, "--model", identity)
    assert outcome.code == 1 and "index.html: is no index of reports" in outcome.err
    assert names(tmp_path / "out") == ["index.html"] and (tmp_path / "out" / "index.html").read_text() == "mine"


def test_no_report_is_left_beside_a_newer_image(scan, tmp_path, identity, mri_denoise):
    command = ("denoise", scan, tmp_path / "out" / "x.nii.gz", "--no-refine", "--overwrite", "--model", identity)
    assert mri_denoise(*command, "--report").code == mri_denoise(*command).code == 0
    assert names(tmp_path / "out") == ["x.json", "x.nii.gz"]
    (tmp_path / "out" / "x_report.html").write_text("mine")
    assert mri_denoise(*command).code == 0 and (tmp_path / "out" / "x_report.html").read_text() == "mine"


def test_an_index_has_reports_of_earlier_runs_of_any_name(scan, tmp_path, identity, mri_denoise):
    other = os.fsencode(tmp_path / "more") + b"/M\xfcller.nii.gz"
    (tmp_path / "more").mkdir()
    Path(os.fsdecode(other)).write_bytes(scan.read_bytes())
    for folder in (scan.parent, tmp_path / "more"):
        assert mri_denoise("denoise", folder, f"{tmp_path}/out/", *USUAL, "--model", identity).code == 0
    page = (tmp_path / "out" / "index.html").read_text()
    assert 'href="scan_report.html"' in page and 'href="M%FCller_report.html"' in page


def test_sides_of_a_report_are_said(scan, tmp_path, identity, mri_denoise):
    mri_denoise("denoise", scan, tmp_path / "x.nii.gz", *USUAL, "--model", identity)
    page = (tmp_path / "x_report.html").read_text()
    assert "the patient's right is on the left" in page and page.count('<span class="side"') == 2


@pytest.mark.parametrize("option", [(), ("--no-report",)])
def test_bids_has_reports_unless_told_not_to(option, tmp_path, volume, identity, mri_denoise):
    anat = tmp_path / "dataset" / "sub-1" / "ses-a" / "anat"
    anat.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), anat / "sub-1_ses-a_T1w.nii.gz")
    (tmp_path / "dataset" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    command = ("bids", tmp_path / "dataset", tmp_path / "out", "participant", "--no-refine", "--model", identity)
    assert mri_denoise(*command, *option).code == 0
    report = "sub-1/figures/sub-1_ses-a_desc-denoised_T1w.html"
    pages = [name for name in names(tmp_path / "out") if name.endswith(".html")]
    assert pages == ([] if option else ["index.html", report])
    if not option:
        assert f'href="{report}"' in (tmp_path / "out" / "index.html").read_text()
        assert read_summary(tmp_path / "out" / report)["name"] == "sub-1_ses-a_T1w.nii.gz"
        (tmp_path / "out" / report).unlink()
        assert "it has no report, which --overwrite makes" in mri_denoise(*command).out
