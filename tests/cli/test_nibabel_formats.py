"""FreeSurfer's MGH, NIfTI in two files and Analyze: read, and written as a format of one file."""

import nibabel
import numpy as np
import pytest
from nibabel.analyze import AnalyzeImage
from nibabel.spm99analyze import Spm99AnalyzeImage

AFFINE = np.array([[0.88, 0.19, 0.1, -70], [-0.18, 0.82, -0.85, 33], [0.1, 0.3, 2.35, 12], [0, 0, 0, 1]])


@pytest.mark.parametrize(("dtype", "suffix"), [("float32", ".mgz"), ("same", ".mgh"), ("same", ".nii.gz")])
def test_freesurfer_in_equals_freesurfer_out(dtype, suffix, tmp_path, volume, identity, mri_denoise):
    source = nibabel.MGHImage(volume.astype(np.int16), AFFINE.astype(np.float32))
    for key, value in {"tr": 2300, "flip_angle": 0.15, "te": 2.98, "ti": 900, "fov": 256}.items():
        source.header[key] = value
    nibabel.save(source, tmp_path / "in.mgz")
    output = tmp_path / f"out{suffix}"
    outcome = mri_denoise(
        "denoise", tmp_path / "in.mgz", output, "--no-refine", "--model", identity, "--dtype", dtype, "--maps", "sigma"
    )
    assert outcome.code == 0, outcome.err
    out = nibabel.load(output)
    np.testing.assert_allclose(out.get_fdata(), np.trunc(volume), atol=0.6 if dtype == "same" else 0.5)
    np.testing.assert_allclose(out.affine, AFFINE, atol=1e-4)
    assert out.get_data_dtype().newbyteorder("=") == (np.int16 if dtype == "same" else np.float32)
    if suffix != ".nii.gz":
        source = nibabel.load(tmp_path / "in.mgz")
        same = [key for key in source.header if np.array_equal(source.header[key], out.header[key])]
        assert set(source.header) - set(same) <= {"type"}
    assert nibabel.load(tmp_path / f"out_sigma{suffix}").shape == volume.shape


@pytest.mark.parametrize("suffix", [".hdr", ".img.gz"])
def test_nifti_pair_becomes_one_file_with_its_header(suffix, tmp_path, volume, identity, mri_denoise):
    image = nibabel.Nifti1Pair(volume.astype(np.int16), AFFINE)
    image.set_qform(image.affine, code=1)
    image.set_sform(image.affine, code=4)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"made by a test"
    image.header.set_slope_inter(0.5, 3)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"kept"))
    nibabel.save(image, tmp_path / f"in{suffix.replace('hdr', 'img')}")
    outcome = mri_denoise(
        "denoise", tmp_path / f"in{suffix}", f"{tmp_path}/out/", "--no-refine", "--model", identity, "--dtype", "same"
    )
    assert outcome.code == 0, outcome.err
    source, out = nibabel.load(tmp_path / f"in{suffix}"), nibabel.load(tmp_path / "out" / "in.nii.gz")
    np.testing.assert_allclose(out.get_fdata(), source.get_fdata(), atol=0.6)
    np.testing.assert_array_equal(out.affine, source.affine)
    changed = {key for key in source.header if not np.array_equal(source.header[key], out.header[key])}
    assert changed <= {"magic", "vox_offset", "scl_slope", "scl_inter"}  # nibabel moves the last two
    assert (out.dataobj.slope, out.dataobj.inter) == (source.dataobj.slope, source.dataobj.inter)
    assert [extension.get_content() for extension in out.header.extensions] == [b"kept"]


@pytest.mark.parametrize("kind", [AnalyzeImage, Spm99AnalyzeImage])
def test_analyze_becomes_nifti_with_a_note_on_its_sides(kind, tmp_path, volume, identity, mri_denoise):
    nibabel.save(kind(volume, np.diag([-2, 2, 3, 1])), tmp_path / "in.img")
    outcome = mri_denoise("denoise", tmp_path, f"{tmp_path}/out", "--no-refine", "--model", identity)
    assert outcome.code == 0, outcome.err
    out = nibabel.load(tmp_path / "out" / "in.nii.gz")
    np.testing.assert_allclose(out.get_fdata(), volume, atol=0.5)
    np.testing.assert_allclose(out.affine, nibabel.load(tmp_path / "in.img").affine)
    assert ("does not say which side is left" in outcome.out) == (kind is AnalyzeImage)  # SPM has it in a .mat
    assert len(list((tmp_path / "out").iterdir())) == 2
