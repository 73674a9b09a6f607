"""`mri-denoise denoise` on DICOM: a derived series out, the right one of several."""

from __future__ import annotations

import json

import numpy as np
import pytest

from monai_unsup_denoise.dicom import find_series, read_series
from tests.dicom.synthetic import block, write_series


def test_a_series_becomes_a_derived_series_with_the_voxels_of_the_network(tmp_path, identity, mri_denoise):
    write_series(tmp_path / "in")
    outcome = mri_denoise("denoise", tmp_path / "in", tmp_path / "out", "--model", identity, "--map", "sigma")
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


@pytest.mark.parametrize("source", ["scan.nii.gz", "in"])
def test_a_series_is_chosen_only_from_one_folder_of_dicom(source, scan, tmp_path, identity, mri_denoise):
    path = scan if source == "scan.nii.gz" else scan.parent
    outcome = mri_denoise("denoise", path, f"{tmp_path}/out/", "--model", identity, "--series", "2")
    assert outcome.code == 1 and outcome.err.startswith("error: --series 2: chooses from one folder of DICOM files")
