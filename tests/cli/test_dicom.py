"""`mri-denoise denoise` on DICOM: a derived series out, the right one of several."""

from __future__ import annotations

import json

import itk
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation

from monai_unsup_denoise.io.dicom import find_series, read_series
from tests.io.dicom.synthetic import block, write_series


def test_a_series_becomes_a_derived_series_of_the_same_voxels(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in")
    outcome = mri_denoise(
        "denoise", tmp_path / "in", tmp_path / "out", "--no-refine", "--model", identity, "--maps", "sigma"
    )
    assert outcome.code == 0, outcome.err
    [series] = find_series(tmp_path / "out")
    np.testing.assert_array_equal(read_series(series).numpy(), block())
    sigma = json.loads((tmp_path / "out.json").read_text())["sigma"]
    assert sigma > 0 and (tmp_path / "out_sigma.nii.gz").is_file()
    assert "Müller" not in outcome.out + outcome.err and "X-17" not in outcome.out + outcome.err


def test_of_several_series_one_is_chosen(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in", SeriesNumber=1)
    write_series(tmp_path / "more", block()[..., :5], SeriesNumber=2)
    for path in (tmp_path / "more").iterdir():
        path.rename(tmp_path / "in" / f"more_{path.name}")
    command = ("denoise", tmp_path / "in", tmp_path / "out", "--model", identity)
    outcome = mri_denoise(*command)
    assert outcome.code == 1 and "number 1: t1" in outcome.err and "number 2: t1" in outcome.err
    assert mri_denoise(*command, "--series", "2").code == 0
    assert len(find_series(tmp_path / "out")[0].files) == 5
    volume = ("denoise", tmp_path / "in", tmp_path / "volume.nrrd", "--model", identity, "--series", "2")
    assert mri_denoise(*volume).code == 0


def test_every_series_below_a_folder_gets_a_folder_of_its_own(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in" / "a", SeriesNumber=1)
    write_series(tmp_path / "in" / "b", SeriesNumber=2)
    write_series(tmp_path / "in" / "b2", SeriesNumber=3)
    for path in (tmp_path / "in" / "b2").iterdir():
        path.rename(tmp_path / "in" / "b" / f"more_{path.name}")
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--model", identity)
    assert outcome.code == 0, outcome.err
    found = {path.parent.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.dcm")}
    assert sorted(map(str, found)) == ["a", "b/series-2", "b/series-3"]


def test_a_series_is_chosen_at_any_depth(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in" / "a" / "deep", SeriesNumber=1)
    write_series(tmp_path / "in" / "b", block()[..., :5], SeriesNumber=2)
    command = ("denoise", tmp_path / "in", tmp_path / "out", "--model", identity, "--series")
    assert mri_denoise(*command, "2").code == 0
    assert [len(series.files) for series in find_series(tmp_path / "out")] == [5]
    outcome = mri_denoise(*command, "3")
    assert (
        outcome.code == 1
        and "no DICOM series whose number or UID is '3'" in outcome.err
        and "number 1: t1" in outcome.err
    )


def test_the_series_of_a_folder_are_listed(tmp_path, mri_denoise):
    write_series(tmp_path / "in" / "a" / "deep", SeriesNumber=1)
    write_series(tmp_path / "in" / "b", block()[..., :5], SeriesNumber=2)
    outcome = mri_denoise("denoise", "--list-series", tmp_path / "in")
    first, second = outcome.out.splitlines()
    assert outcome.code == 0 and first.startswith("number 1: t1, MR, ") and "number 2: t1, MR, 5 files, UID" in second
    (tmp_path / "empty").mkdir()
    outcome = mri_denoise("denoise", "--list-series", tmp_path / "empty")
    assert outcome.code == 1 and "no DICOM image series in this folder" in outcome.err


@pytest.mark.parametrize(("source", "says"), [("scan.nii.gz", "a folder of DICOM files"), ("in", "no DICOM image")])
def test_a_series_is_chosen_only_from_a_folder_of_dicom(source, says, scan, tmp_path, identity, mri_denoise):
    path = scan if source == "scan.nii.gz" else scan.parent
    outcome = mri_denoise("denoise", path, f"{tmp_path}/out/", "--model", identity, "--series", "2")
    assert outcome.code == 1 and says in outcome.err and outcome.err.count("\n") == 1


def test_an_unreadable_dicom_folder_does_not_stop_the_others(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in" / "good")
    (tmp_path / "in" / "bad").mkdir()
    (tmp_path / "in" / "bad" / "1.dcm").write_text("no image")
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--model", identity)
    assert outcome.code == 1 and f"{tmp_path}/in/bad/1.dcm: is no DICOM file" in outcome.err
    assert [series.number for series in find_series(tmp_path / "out")] == [1004]


def test_invalid_dicom_values_are_kept_and_not_printed(tmp_path, identity, mri_denoise):
    name = "Müller " * 20
    write_series(tmp_path / "in")
    for path in (tmp_path / "in").iterdir():
        with disable_value_validation():
            item = pydicom.dcmread(path)
            item.SeriesDescription, item.PatientName, item.StudyID = name, name, name
            item.save_as(path)
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--model", identity)
    assert outcome.code == 0 and "Müller" not in outcome.out + outcome.err
    assert str(pydicom.dcmread(tmp_path / "out" / "IM0001.dcm").PatientName).strip() == name.strip()


def test_a_map_has_the_geometry_of_the_series_that_was_chosen(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in", SeriesNumber=1, SeriesInstanceUID="1.2.1")
    write_series(tmp_path / "more", SeriesNumber=2, SeriesInstanceUID="1.2.2", PixelSpacing=[0.5, 0.5])
    for path in (tmp_path / "more").iterdir():
        path.rename(tmp_path / "in" / f"more_{path.name}")
    command = ("denoise", tmp_path / "in", tmp_path / "out.nrrd", "--model", identity, "--series", "2")
    assert mri_denoise(*command, "--maps", "residual").code == 0
    for name in ("out.nrrd", "out_residual.nrrd"):
        np.testing.assert_allclose(itk.imread(str(tmp_path / name)).GetSpacing(), [0.5, 0.5, 3.0], atol=1e-6)


@pytest.mark.parametrize("options", [[], ["--series", "4"]])
def test_of_a_mistyped_ending_no_folder_is_made(options, tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in")
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out.nifti", "--model", identity, *options)
    assert outcome.code == 1 and "out.nifti: neither a folder nor a format" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert mri_denoise("denoise", tmp_path / "in", f"{tmp_path}/1.2.3/", "--model", identity, *options).code == 0
    assert find_series(tmp_path / "1.2.3")


def test_the_maps_of_a_series_have_its_geometry(tmp_path, identity, mri_denoise):
    lps = write_series(tmp_path / "in")
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--model", identity, "--maps", "residual")
    assert outcome.code == 0, outcome.err
    residual = nibabel.load(tmp_path / "out_residual.nii.gz")
    np.testing.assert_allclose(residual.affine, np.diag([-1, -1, 1, 1]) @ lps, atol=1e-5)
    assert residual.shape == block().shape


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
def test_a_uid_cannot_place_or_replace_files_outside_the_output(options, tmp_path, identity, mri_denoise):
    write_series(tmp_path / "victim", block() * 0)
    before = {path: path.read_bytes() for path in (tmp_path / "victim").iterdir()}
    for name, uid in (("a", "1/../../../victim"), ("b", "1/../../../ESCAPED")):
        with disable_value_validation():
            write_series(tmp_path / name, SeriesInstanceUID=uid)
        for path in (tmp_path / name).iterdir():
            (tmp_path / "study" / "in").mkdir(parents=True, exist_ok=True)
            path.rename(tmp_path / "study" / "in" / f"{name}_{path.name}")
        (tmp_path / name).rmdir()
    outcome = mri_denoise("denoise", tmp_path / "study", tmp_path / "out", "--model", identity, *options)
    assert outcome.code == 0, outcome.err
    assert {path.name for path in tmp_path.iterdir()} == {"study", "victim", "out"}
    assert {path: path.read_bytes() for path in (tmp_path / "victim").iterdir()} == before
    assert len(list((tmp_path / "out" / "in").glob("series-uid-*/"))) == 2


@pytest.mark.parametrize("ending", [".dcm", ".MR", ".dicom", ".img", ".ima", "", ".7"])
def test_dicom_of_any_name_without_preamble_is_denoised(ending, tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in" / "a")
    write_series(tmp_path / "in" / "b")
    for path in (tmp_path / "in" / "b").iterdir():
        path.write_bytes(path.read_bytes()[132:])
        path.rename(path.with_suffix(ending))
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--no-refine", "--model", identity)
    assert outcome.code == 0, outcome.err
    a, b = (read_series(find_series(tmp_path / "out" / name)[0]) for name in "ab")
    np.testing.assert_array_equal(a.numpy(), block())
    np.testing.assert_array_equal(b.numpy(), block())
    np.testing.assert_array_equal(a.affine, b.affine)


@pytest.mark.parametrize("ending", [".dcm", ".MR", ""])
def test_a_single_file_is_read_as_the_series_is(ending, tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in", block((20, 24, 3))[:, :, :1], RescaleSlope=0.5, RescaleIntercept=3.0)
    source = (tmp_path / "in" / "001.dcm").rename(tmp_path / f"slice{ending}")
    source.write_bytes(source.read_bytes()[132:])
    expected = read_series(find_series(source)[0])
    for output in (f"{tmp_path}/out/", tmp_path / "one.nii.gz"):
        outcome = mri_denoise("denoise", source, output, "--no-refine", "--model", identity)
        assert outcome.code == 0, outcome.err
    for path in (next((tmp_path / "out").glob("slice*.nii.gz")), tmp_path / "one.nii.gz"):
        np.testing.assert_allclose(nibabel.load(path).get_fdata(), expected.numpy(), rtol=1e-6)
        np.testing.assert_allclose(nibabel.load(path).affine, expected.affine, atol=1e-5)


def test_values_of_32_bits_are_written_as_they_are(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in")
    for path in (tmp_path / "in").iterdir():
        item = pydicom.dcmread(path)
        item.PixelData = (item.pixel_array.astype("<u4") * 100).tobytes()
        item.BitsAllocated, item.BitsStored, item.HighBit = 32, 32, 31
        item.save_as(path)
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--no-refine", "--model", identity)
    assert outcome.code == 0, outcome.err
    [series] = find_series(tmp_path / "out")
    np.testing.assert_allclose(read_series(series).numpy(), block() * 100.0, rtol=1e-6)
    assert "LargestImagePixelValue" not in pydicom.dcmread(series.files[0])


@pytest.mark.parametrize("below", [False, True])
def test_a_lost_last_slice_ends_no_other_series(below, tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in" / "bad")
    (tmp_path / "in" / "bad" / "006.dcm").write_bytes(b"")
    if below:
        write_series(tmp_path / "in" / "good")
    source = tmp_path / "in" if below else tmp_path / "in" / "bad"
    outcome = mri_denoise("denoise", source, f"{tmp_path}/out/", "--no-refine", "--model", identity)
    assert outcome.code == 1 and "bad/006.dcm: is empty" in outcome.err and "Traceback" not in outcome.err
    assert [path.parent.name for path in (tmp_path).rglob("out/**/IM0001.dcm")] == ["good"] * below
