"""`mri-denoise denoise` on enhanced multi-frame DICOM: as a file or in a folder, to a series or a volume."""

from __future__ import annotations

import itk
import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.inference.folder import ScanDataset
from monai_unsup_denoise.io.dicom import find_series, read_series
from tests.io.dicom.enhanced import to_enhanced
from tests.io.dicom.synthetic import write_series


@pytest.mark.parametrize(
    ("below", "output"), [("", "out/"), ("in", "out"), ("study/in", "out/"), ("", "one.nrrd"), ("in", "one.nii.gz")]
)
def test_an_enhanced_file_becomes_a_series_or_a_volume(below, output, tmp_path, identity, mri_denoise):
    lps = write_series(tmp_path / "classic", RescaleSlope=[0.5, 0.25, 1.5, 2.0, 0.125, 1.0])
    expected = read_series(find_series(tmp_path / "classic")[0]).numpy()
    path = to_enhanced(tmp_path / "classic", tmp_path / below / "scan.MR", order=[3, 1, 0, 5, 2, 4])
    source = tmp_path / below.split("/")[0] if below else path
    outcome = mri_denoise("denoise", source, f"{tmp_path}/{output}", "--no-refine", "--model", identity)
    assert outcome.code == 0, outcome.err
    if output.startswith("out"):
        [series] = find_series(tmp_path / "out")
        voxels = read_series(series).numpy()
        assert series.frames == 6 and (np.abs(voxels - expected) <= 1).all()
    elif output == "one.nrrd":
        image = itk.imread(str(tmp_path / output))
        np.testing.assert_allclose(itk.array_view_from_image(image).T, expected, rtol=1e-6)
        np.testing.assert_allclose(image.GetSpacing(), [1.3, 0.8, 3.0], atol=1e-6)
        np.testing.assert_allclose(image.GetOrigin(), lps[:3, 3], atol=1e-6)
        np.testing.assert_allclose(itk.array_from_matrix(image.GetDirection())[:, 2] * 3, lps[:3, 2], atol=1e-6)
        assert b"X-17" not in (tmp_path / output).read_bytes()
    else:
        np.testing.assert_allclose(nibabel.load(tmp_path / output).get_fdata(), expected, rtol=1e-6)
        np.testing.assert_allclose(nibabel.load(tmp_path / output).affine, np.diag([-1, -1, 1, 1]) @ lps, atol=1e-5)


def test_the_bundle_command_writes_an_enhanced_file_inside_out(tmp_path):
    write_series(tmp_path / "classic")
    path = to_enhanced(tmp_path / "classic", tmp_path / "in" / "scan.dcm")
    for source, name in ((path, "scan_denoised.nii.gz"), (path.parent, "in_denoised.nii.gz")):
        [job] = ScanDataset(source, tmp_path / "out").jobs
        assert job.output == tmp_path / "out" / name and job.series is not None


def test_frames_are_listed(tmp_path, mri_denoise):
    write_series(tmp_path / "classic")
    to_enhanced(tmp_path / "classic", tmp_path / "in" / "scan")
    outcome = mri_denoise("denoise", "--list-series", tmp_path / "in")
    assert outcome.out.startswith("number 4: t1, MR, 1 file of 6 frames, UID")
