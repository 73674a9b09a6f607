"""`denoise(image)` gives the voxels of the command, as the kind of image that it was given."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage
from nibabel.spatialimages import SpatialImage

from monai_unsup_denoise import denoise
from tests.io.dicom.synthetic import block, write_series

FAST = {"refine": False}
KINDS = {
    "path": lambda path: path,
    "name": str,
    "nibabel": nibabel.load,
    "nibabel in memory": lambda path: nibabel.Nifti1Image(nibabel.load(path).get_fdata(), nibabel.load(path).affine),
    "array": lambda path: nibabel.load(path).get_fdata(),
    "tensor": lambda path: torch.from_numpy(nibabel.load(path).get_fdata(dtype=np.float32)),
    "tensor with a channel": lambda path: torch.from_numpy(nibabel.load(path).get_fdata(dtype=np.float32))[None],
    "MetaTensor": lambda path: LoadImage()(str(path)),
    "MetaTensor with a channel": lambda path: LoadImage(ensure_channel_first=True)(str(path)),
}


def voxels(image: object) -> np.ndarray:
    return image.get_fdata(dtype=np.float32) if isinstance(image, SpatialImage) else np.asarray(image)


@pytest.fixture
def series(tmp_path, volume) -> Path:
    """Three volumes of unlike brightness, with the noise of one."""
    path = tmp_path / "in" / "series.nii.gz"
    path.parent.mkdir(exist_ok=True)
    image = nibabel.Nifti1Image(np.stack([volume, np.flip(volume, 0), 2 * volume], axis=-1), np.diag([1.0, 1, 2, 1]))
    image.header.set_zooms((1, 1, 2, 1.5))
    nibabel.save(image, path)
    return path


def test_voxels_are_those_of_the_command(scan, tmp_path, smoothing, mri_denoise):
    assert mri_denoise("denoise", scan, tmp_path / "out.nii.gz", "--model", smoothing).code == 0
    expected = nibabel.load(tmp_path / "out.nii.gz").get_fdata(dtype=np.float32)
    assert np.abs(expected - nibabel.load(scan).get_fdata()).max() > 1
    for kind, read in KINDS.items():
        image = read(scan)
        clean = denoise(image, model=smoothing)
        is_path = isinstance(image, (str, Path))
        assert isinstance(clean, SpatialImage if is_path else type(image)), kind
        assert clean.shape == (expected.shape if is_path else image.shape) and voxels(clean).dtype == np.float32, kind
        np.testing.assert_array_equal(voxels(clean).reshape(expected.shape), expected, err_msg=kind)


@pytest.mark.parametrize("dtype", ["float32", "same"])
@pytest.mark.parametrize("as_path", [True, False])
def test_image_of_nibabel_is_what_the_command_writes(as_path, dtype, tmp_path, volume, smoothing, mri_denoise):
    image = nibabel.Nifti1Image(
        volume.astype(np.int16), np.array([[0, -2, 0, 9], [1, 0, 0, 8], [0, 0, 3, 7], [0, 0, 0, 1]])
    )
    image.set_qform(image.affine, code=1)
    image.header["descrip"] = b"a scan"
    image.header.set_slope_inter(0.5, 0)
    path = tmp_path / "scan.nii"
    nibabel.save(image, path)
    assert (
        mri_denoise("denoise", path, tmp_path / "out.nii", "--model", smoothing, "--no-refine", "--dtype", dtype).code
        == 0
    )
    denoise(path if as_path else nibabel.load(path), model=smoothing, dtype=dtype, **FAST).to_filename(
        tmp_path / "ours.nii"
    )
    assert (tmp_path / "ours.nii").read_bytes() == (tmp_path / "out.nii").read_bytes()


def test_mgh_stays_mgh(tmp_path, volume, identity):
    image = nibabel.MGHImage(volume, np.diag([2.0, 2, 2, 1]))
    image.header["tr"] = 2300
    nibabel.save(image, tmp_path / "scan.mgz")
    for given in (tmp_path / "scan.mgz", nibabel.load(tmp_path / "scan.mgz")):
        clean = denoise(given, model=identity, **FAST)
        assert type(clean) is nibabel.MGHImage and clean.header["tr"] == 2300
        np.testing.assert_array_equal(clean.affine, image.affine)


def test_dicom_series_becomes_nifti_at_its_place(tmp_path, identity, mri_denoise):
    stack = block((20, 18, 16))
    lps = write_series(tmp_path / "series", stack)
    assert (
        mri_denoise("denoise", tmp_path / "series", tmp_path / "out.nii.gz", "--model", identity, "--no-refine").code
        == 0
    )
    clean, written = denoise(tmp_path / "series", model=identity, **FAST), nibabel.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(clean.get_fdata(), written.get_fdata())
    np.testing.assert_allclose(clean.affine, np.diag([-1.0, -1, 1, 1]) @ lps, atol=1e-5)
    whole = denoise(tmp_path / "series", model=identity, dtype="same", **FAST)
    assert whole.get_data_dtype().kind == "u"
    np.testing.assert_allclose(whole.get_fdata(), clean.get_fdata(), atol=0.5)


def test_metatensor_keeps_what_it_knows(scan, identity):
    image = LoadImage(ensure_channel_first=True)(str(scan))
    image.meta["mine"] = "kept"
    image.push_applied_operation({"class": "Something"})
    clean = denoise(image, model=identity, **FAST)
    assert isinstance(clean, MetaTensor) and clean.meta["mine"] == "kept"
    assert clean.applied_operations == image.applied_operations != []
    torch.testing.assert_close(clean.affine, image.affine)
    clean.meta["mine"] = "changed"
    clean.applied_operations.clear()
    assert image.meta["mine"] == "kept" and image.applied_operations != []


def test_slice_is_a_volume_of_one_slice(volume, smoothing):
    whole = denoise(volume[:, :, 3:4], model=smoothing, **FAST)
    assert denoise(volume[:, :, 3], model=smoothing, **FAST).shape == (18, 17)
    np.testing.assert_array_equal(denoise(volume[:, :, 3], model=smoothing, **FAST), whole[..., 0])
    np.testing.assert_array_equal(
        denoise(torch.from_numpy(volume[None, :, :, 3]), model=smoothing, **FAST)[0], whole[..., 0]
    )


def test_series_in_memory_is_that_of_the_command(series, tmp_path, smoothing, mri_denoise):
    assert mri_denoise("denoise", series, tmp_path / "out.nii.gz", "--model", smoothing, "--no-refine").code == 0
    expected, image = nibabel.load(tmp_path / "out.nii.gz"), nibabel.load(series)
    for given in (series, image):
        clean = denoise(given, model=smoothing, **FAST)
        assert clean.header.get_zooms() == expected.header.get_zooms() == (1, 1, 2, 1.5)
        np.testing.assert_array_equal(clean.get_fdata(), expected.get_fdata())
    values = image.get_fdata(dtype=np.float32)
    np.testing.assert_array_equal(denoise(values, model=smoothing, **FAST), expected.get_fdata())
    first = torch.from_numpy(np.moveaxis(values, -1, 0).copy())
    clean = denoise(first, series_axis=0, model=smoothing, **FAST)
    np.testing.assert_array_equal(np.moveaxis(clean.numpy(), 0, -1), expected.get_fdata())
    one = denoise(first[:1], series_axis=0, model=smoothing, **FAST)
    torch.testing.assert_close(one, denoise(first[:1], model=smoothing, **FAST), rtol=0, atol=0)
    for axis in (1, -2):
        middle = denoise(np.moveaxis(values, -1, axis), series_axis=axis, model=smoothing, **FAST)
        np.testing.assert_array_equal(np.moveaxis(middle, axis, -1), expected.get_fdata())
    last = denoise(torch.from_numpy(values), series_axis=-1, model=smoothing, **FAST)
    np.testing.assert_array_equal(last, expected.get_fdata())


def test_series_of_one_slice_is_no_channel_in_a_file(series, tmp_path, smoothing):
    image = nibabel.load(series).slicer[:, :, 3:4]
    thin = nibabel.Nifti1Image(np.moveaxis(image.get_fdata(dtype=np.float32), 2, 0), np.eye(4))
    nibabel.save(thin, tmp_path / "thin.nii")
    clean = denoise(thin, model=smoothing, **FAST)
    assert clean.shape == (1, 18, 17, 3)
    np.testing.assert_array_equal(
        clean.get_fdata(), denoise(tmp_path / "thin.nii", model=smoothing, **FAST).get_fdata()
    )


def test_noise_is_what_the_command_reports(scan, series, tmp_path, smoothing, mri_denoise):
    for path in (scan, series):
        out = tmp_path / f"out_{path.name}"
        assert mri_denoise("denoise", path, out, "--model", smoothing, "--no-refine", "--maps", "sigma").code == 0
        sidecar = json.loads(Path(str(out).replace(".nii.gz", ".json")).read_text())
        expected = nibabel.load(str(out).replace(".nii.gz", "_sigma.nii.gz"))
        for image in (path, nibabel.load(path), nibabel.load(path).get_fdata()):
            clean, noise = denoise(image, return_noise=True, model=smoothing, **FAST)
            assert noise.report == {key: sidecar[key] for key in noise.report} and noise.sigma == sidecar["sigma"]
            assert sidecar.keys() - noise.report.keys() == {
                "Sources",
                "model_sha256",
                "monai_unsup_denoise",
                "precision",
            }
            assert type(noise.map) is type(clean)
            np.testing.assert_array_equal(voxels(noise.map), expected.get_fdata(dtype=np.float32))


def test_given_sigma_replaces_the_estimate(volume, smoothing):
    series = np.stack([volume, 2 * volume], axis=-1)
    for image in (volume, series):
        clean, noise = denoise(image, return_noise=True, model=smoothing, **FAST)
        again, same = denoise(image, return_noise=True, sigma=noise.sigma, model=smoothing, **FAST)
        np.testing.assert_allclose(again, clean, rtol=0, atol=1e-3 * clean.max())
        assert same.sigma == pytest.approx(noise.sigma)
        other, double = denoise(image, return_noise=True, sigma=2 * noise.sigma, model=smoothing, **FAST)
        assert double.sigma == pytest.approx(2 * noise.sigma) and double.report["sigma_error_percent"] == 0
        np.testing.assert_allclose(double.map, 2 * noise.map, rtol=1e-4)
        assert double.report["correlation"] == noise.report["correlation"]
        assert np.abs(other - clean).max() > 0.1 * noise.sigma


def test_options_are_those_of_the_command(scan, volume, tmp_path, smoothing, mri_denoise):
    words = ("--strength", 0.7, "--no-refine", "--keep-floor", "--self-ensemble", "--no-varying-noise")
    assert mri_denoise("denoise", scan, tmp_path / "out.nii", "--model", smoothing, *words).code == 0
    options = {"strength": 0.7, "refine": False, "keep_floor": True, "self_ensemble": True, "varying_noise": False}
    clean = denoise(volume, model=smoothing, **options)
    np.testing.assert_array_equal(clean, nibabel.load(tmp_path / "out.nii").get_fdata())
    assert np.abs(clean - denoise(volume, model=smoothing)).max() > 1


def test_negative_voxels_are_clipped_on_demand(volume, identity):
    volume[0, 0, 0] = -0.5
    clean, noise = denoise(volume, nonpositive="clip", return_noise=True, model=identity, **FAST)
    assert clean[0, 0, 0] >= 0 and noise.report["clipped_voxels"] == 1


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", np.int64, np.float16, ">f8", torch.int16, torch.bfloat16])
def test_type_is_kept_on_demand(dtype, volume, identity):
    is_tensor = isinstance(dtype, torch.dtype)
    image = torch.from_numpy(volume / 8).to(dtype) if is_tensor else (volume / 8).astype(dtype)
    clean = denoise(image, model=identity, **FAST)
    same = denoise(image, model=identity, dtype="same", **FAST)
    assert clean.dtype == (torch.float32 if is_tensor else np.float32) and same.dtype == image.dtype
    clean, same = (np.asarray(torch.as_tensor(each).float() if is_tensor else each) for each in (clean, same))
    np.testing.assert_allclose(same.astype(float), clean, rtol=0.005, atol=0.5)


@pytest.mark.parametrize("kind", ["array", "tensor", "nibabel"])
def test_integers_are_rounded(kind, volume, smoothing):
    image = volume.astype(np.int16)
    image = {"array": image, "tensor": torch.from_numpy(image), "nibabel": nibabel.Nifti1Image(image, np.eye(4))}[kind]
    clean, same = (voxels(denoise(image, model=smoothing, dtype=dtype, **FAST)) for dtype in ("float32", "same"))
    assert np.mean(clean != np.rint(clean)) > 0.5
    np.testing.assert_array_equal(same, np.rint(clean))


@pytest.mark.parametrize("strange", ["read only", "reversed", "of another order", "needing gradients"])
def test_image_is_not_changed(strange, volume, smoothing):
    expected = denoise(volume, model=smoothing, **FAST)
    image = {"reversed": volume[::-1].copy()[::-1], "of another order": np.asfortranarray(volume)}.get(strange, volume)
    image.flags.writeable = strange != "read only"
    if strange == "needing gradients":
        image = torch.from_numpy(image).requires_grad_()
    before = np.array(image.detach().numpy() if isinstance(image, torch.Tensor) else image)
    clean = denoise(image, model=smoothing, **FAST)
    np.testing.assert_array_equal(clean, expected)
    np.testing.assert_array_equal(image.detach().numpy() if isinstance(image, torch.Tensor) else image, before)
    assert not np.shares_memory(np.asarray(clean), before)
