"""With a denoiser that changes nothing, what comes out is what went in: the same voxels at the same places."""

import itk
import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.inference import Denoiser
from tests.io.dicom.synthetic import write_series


def rotation(degrees: float, axis: int) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [k for k in range(3) if k != axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def affine(matrix: np.ndarray, origin=(-70.5, 33.25, 12.0)) -> np.ndarray:
    return np.block([[matrix, np.array(origin)[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])


OBLIQUE = rotation(20, 0) @ rotation(-12, 2) @ np.diag([0.9, 0.9, 2.5])
GEOMETRIES = {
    "isotropic RAS": affine(np.eye(3)),
    "anisotropic": affine(np.diag([0.8, 1.1, 4.0])),
    "oblique": affine(OBLIQUE),
    "LPI": affine(np.diag([-1.0, -1.2, -3.0])),
    "permuted axes": affine(np.array([[0, 0, 3.0], [-1.5, 0, 0], [0, 1.0, 0]])),
}


def assert_same_voxels(out: np.ndarray, expected: np.ndarray) -> None:
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-3 * np.ptp(expected))


def itk_affine(image) -> np.ndarray:
    """From voxels to mm, left-posterior-superior, as ITK reads it."""
    matrix = itk.array_from_matrix(image.GetDirection()) @ np.diag(image.GetSpacing())
    return affine(matrix, tuple(image.GetOrigin()))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_nifti_in_equals_nifti_out(geometry, suffix, tmp_path, volume, identity, mri_denoise):
    image = nibabel.Nifti1Image(volume, GEOMETRIES[geometry])
    image.set_sform(image.affine, code=4)
    image.set_qform(image.affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = b"made by a test"
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"kept"))
    nibabel.save(image, tmp_path / f"in{suffix}")

    outcome = mri_denoise(
        "denoise", tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", "--no-refine", "--model", identity
    )

    assert outcome.code == 0, outcome.err
    source, out = nibabel.load(tmp_path / f"in{suffix}"), nibabel.load(tmp_path / f"out{suffix}")
    assert_same_voxels(out.get_fdata(), volume)
    np.testing.assert_array_equal(out.affine, source.affine)
    assert out.get_data_dtype() == np.float32
    assert {key for key in source.header if not np.array_equal(source.header[key], out.header[key])} <= {
        "scl_slope",
        "scl_inter",
    }
    assert [extension.get_content() for extension in out.header.extensions] == [b"kept"]


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("geometry", ["oblique", "permuted axes"])
def test_itk_formats_keep_their_geometry(geometry, suffix, tmp_path, volume, identity, mri_denoise):
    matrix = GEOMETRIES[geometry][:3, :3]
    spacing = np.linalg.norm(matrix, axis=0)
    image = itk.image_from_array(np.ascontiguousarray(volume.T.astype(np.int16)))
    image.SetSpacing(spacing)
    image.SetDirection(matrix / spacing)
    image.SetOrigin([-70.5, 33.25, 12.0])
    itk.imwrite(image, str(tmp_path / f"in{suffix}"))

    outcome = mri_denoise(
        "denoise", tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", "--no-refine", "--model", identity
    )

    assert outcome.code == 0, outcome.err
    out = itk.imread(str(tmp_path / f"out{suffix}"))
    assert itk.array_from_image(out).dtype == np.float32
    assert_same_voxels(itk.array_from_image(out).T, np.trunc(volume))
    np.testing.assert_allclose(itk_affine(out), GEOMETRIES[geometry], atol=1e-6)


def test_a_dicom_series_becomes_nifti_with_the_same_geometry(tmp_path, volume, identity, mri_denoise):
    series = tmp_path / "series"
    lps = write_series(series, volume)

    outcome = mri_denoise(
        "denoise", series, tmp_path / "out.nii.gz", "--no-refine", "--model", identity, "--dtype", "same"
    )

    assert outcome.code == 0, outcome.err
    out = nibabel.load(tmp_path / "out.nii.gz")
    np.testing.assert_allclose(out.affine, np.diag([-1, -1, 1, 1]) @ lps, atol=1e-4)
    np.testing.assert_allclose(out.get_qform(), out.affine, atol=1e-4)
    assert int(out.header["sform_code"]) == int(out.header["qform_code"]) == 1
    assert out.header.get_xyzt_units()[0] == "mm"
    assert out.get_data_dtype() == np.uint16
    np.testing.assert_array_equal(out.get_fdata(), np.trunc(volume))

    itk_image = itk.imread([str(path) for path in sorted(series.iterdir(), reverse=True)])
    np.testing.assert_allclose(itk_affine(itk_image), np.diag([-1, -1, 1, 1]) @ out.affine, atol=1e-4)


def test_two_series_in_one_folder_are_not_mixed(tmp_path, volume, identity, mri_denoise):
    write_series(tmp_path / "series", volume)
    write_series(tmp_path / "other", volume)
    for path in (tmp_path / "other").iterdir():
        path.rename(tmp_path / "series" / f"other_{path.name}")
    outcome = mri_denoise("denoise", tmp_path / "series", tmp_path / "out.nii.gz", "--no-refine", "--model", identity)
    assert outcome.code == 1
    assert "series: 2 DICOM series; choose one by number or UID with --series:" in outcome.err


def test_minc_becomes_nifti_at_the_same_place(tmp_path, volume, identity, mri_denoise):
    image = itk.image_from_array(np.ascontiguousarray(volume.T))
    image.SetSpacing([0.9, 1.2, 3.0])
    image.SetOrigin([-20.0, 10.0, 4.0])
    itk.imwrite(image, str(tmp_path / "scan.mnc"))
    outcome = mri_denoise("denoise", tmp_path / "scan.mnc", tmp_path, "--no-refine", "--model", identity)
    assert outcome.code == 0, outcome.err
    out = nibabel.load(tmp_path / "scan.nii.gz")
    assert_same_voxels(out.get_fdata(), volume)
    np.testing.assert_allclose(np.diag([-1, -1, 1, 1]) @ out.affine, itk_affine(image), atol=1e-5)


@pytest.mark.parametrize("axes", [(1,), (1, 1), (0,)])
def test_4d_nifti_of_one_volume_is_denoised(axes, tmp_path, volume, smoothing, mri_denoise):
    image = nibabel.Nifti1Image(volume.reshape(*volume.shape, *(1 for _ in axes)), GEOMETRIES["oblique"])
    image.header["pixdim"][4] = 2.5
    nibabel.save(image, tmp_path / "in.nii")
    nibabel.save(nibabel.Nifti1Image(volume, image.affine), tmp_path / "plain.nii")
    if axes == (0,):  # a fourth axis without a voxel: the field dim[4]
        content = bytearray((tmp_path / "in.nii").read_bytes())
        content[48:50] = bytes(2)
        (tmp_path / "in.nii").write_bytes(content)
    for name in ("in", "plain"):
        outcome = mri_denoise("denoise", tmp_path / f"{name}.nii", tmp_path / f"{name}_out.nii", "--model", smoothing)
        assert outcome.code == 0, outcome.err
    out, plain = (nibabel.load(tmp_path / f"{name}_out.nii") for name in ("in", "plain"))
    assert out.shape == image.shape and out.header["pixdim"][4] == 2.5
    np.testing.assert_array_equal(out.affine, plain.affine)
    np.testing.assert_array_equal(out.get_fdata().squeeze(), plain.get_fdata())
    assert np.abs(plain.get_fdata() - volume).max() > 1


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("slices", [1, 6, 12])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
def test_slices_along_any_axis_are_denoised(axis, slices, suffix, tmp_path, smoothing, mri_denoise):
    last = np.abs(400 + 30 * np.random.default_rng(0).standard_normal((18, 17, slices))).astype(np.float32)
    matrix = GEOMETRIES["oblique"]
    columns = [*np.insert([0, 1], axis, 2), 3]  # those of the affine, for the axis of the slices in another place
    nibabel.save(nibabel.Nifti1Image(last, matrix), tmp_path / "last.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.moveaxis(last, -1, axis), matrix[:, columns]), tmp_path / "other.nii.gz")
    if suffix != ".nii.gz":
        for name in ("last", "other"):
            itk.imwrite(itk.imread(str(tmp_path / f"{name}.nii.gz")), str(tmp_path / f"{name}{suffix}"))
    for name in ("last", "other"):
        command = ("denoise", tmp_path / f"{name}{suffix}", tmp_path / f"{name}_out{suffix}", "--maps", "residual")
        outcome = mri_denoise(*command, "--model", smoothing)
        assert outcome.code == 0, outcome.err
    for ending in ("_out", "_out_residual"):
        expected, out = (itk.imread(str(tmp_path / f"{name}{ending}{suffix}")) for name in ("last", "other"))
        expected_voxels, voxels = (itk.array_from_image(image).T for image in (expected, out))
        np.testing.assert_array_equal(np.moveaxis(voxels, axis, -1), expected_voxels)
        np.testing.assert_allclose(itk_affine(out), itk_affine(expected)[:, columns], atol=1e-4)


def test_thick_slab_keeps_the_order_of_its_axes(tmp_path, smoothing, bundle):
    denoiser = Denoiser.from_bundle(bundle, model=smoothing)
    values = np.abs(400 + 30 * np.random.default_rng(0).standard_normal((16, 24, 20))).astype(np.float32)
    image = denoiser.wrap(values)  # large enough as it is, as in every version before
    assert image.shape == (1, 16, 24, 20) and "slice_axis" not in image.meta
    assert denoiser.denoise_image(image).denoised.shape == (16, 24, 20)


NRRD = """NRRD0004
type: float
dimension: 4
space: left-posterior-superior
sizes: {sizes}
space directions: {directions}
kinds: {kinds}
endian: little
encoding: raw
space origin: (1,2,3)
{more}subject:=a: "b"
"""
THREE = "(0.9, 0, 0) (0,1.5,0) (0,0,2)"
AXES = {
    "list first": ("1 18 17 6", f"none {THREE}", "list domain domain domain"),
    "list last": ("18 17 6 1", f"{THREE} none", "domain domain domain list"),
    "time": ("18 17 6 1", f"{THREE} none", "domain domain domain time"),
    "vector": ("1 18 17 6", f"none {THREE}", "vector domain domain domain"),
}


@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr"])
@pytest.mark.parametrize("kind", AXES)
def test_nrrd_axis_of_one_component_is_denoised(kind, suffix, tmp_path, volume, identity, mri_denoise):
    sizes, directions, kinds = AXES[kind]
    more = "" if suffix == ".nrrd" else "data file: voxels.raw\n"
    header = NRRD.format(sizes=sizes, directions=directions, kinds=kinds, more=more).encode()
    voxels = np.ascontiguousarray(volume.T).tobytes()
    (tmp_path / f"in{suffix}").write_bytes(header + (b"\n" + voxels if suffix == ".nrrd" else b""))
    (tmp_path / "voxels.raw").write_bytes(voxels)
    outcome = mri_denoise(
        "denoise", tmp_path / f"in{suffix}", tmp_path / "out.nrrd", "--no-refine", "--model", identity
    )
    assert outcome.code == 0, outcome.err
    out = itk.imread(str(tmp_path / "out.nrrd"))
    assert_same_voxels(itk.array_from_image(out).T, volume)
    np.testing.assert_allclose(itk_affine(out), affine(np.diag([0.9, 1.5, 2.0]), (1.0, 2.0, 3.0)), atol=1e-6)
    assert out.GetMetaDataDictionary()["subject"] == 'a: "b"'


def test_nrrd_of_three_components_is_refused(tmp_path, volume, identity, mri_denoise):
    header = NRRD.format(sizes="3 18 17 6", directions=f"none {THREE}", kinds="list domain domain domain", more="")
    (tmp_path / "in.nrrd").write_bytes(header.encode() + b"\n" + np.repeat(volume.T, 3).tobytes())
    outcome = mri_denoise("denoise", tmp_path / "in.nrrd", tmp_path / "out.nrrd", "--model", identity)
    assert outcome.code == 1 and outcome.err.count("\n") == 1
