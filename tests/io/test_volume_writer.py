"""A volume is written whole and in the manner of its source, or not at all."""

import resource
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import itk
import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.nibabel_images import to_type
from monai_unsup_denoise.io.volume_writer import open_output, write_volume

VALUES = np.random.default_rng(0).normal(500, 50, (20, 18, 6)).astype(np.float32)


def source(path: Path, values: np.ndarray = VALUES) -> Path:
    path.parent.mkdir(exist_ok=True)
    if path.name.lower().endswith((".nii", ".nii.gz")):
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    else:
        itk.imwrite(itk.image_from_array(np.ascontiguousarray(values.T)), str(path))
    return path


def voxels(path: Path) -> np.ndarray:
    return nibabel.load(path).get_fdata() if ".nii" in path.name else itk.array_from_image(itk.imread(str(path))).T


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
def test_volume_is_written_whole_or_not_at_all(name, tmp_path):
    scan, path = source(tmp_path / "in" / name), tmp_path / "out" / name
    write_volume(path, VALUES, source=scan, affine=np.eye(4))
    np.testing.assert_array_equal(voxels(path), VALUES)
    whole = path.stat().st_size
    path.unlink()
    for size in (*range(0, whole, 1500), whole - 700, whole - 8, whole - 1):
        with file_size_limit(size), pytest.raises(InputError, match="cannot be written") as refused:
            write_volume(path, VALUES, source=scan, affine=np.eye(4))
        assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
        assert not list(path.parent.iterdir())


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha"])
def test_flat_map_is_written_though_it_compresses_well(name, tmp_path, monkeypatch):
    monkeypatch.setattr("monai_unsup_denoise.io.file_checks._FREE", 0)
    flat = np.full((128, 128, 64), 3.5, dtype=np.float32)
    scan = source(tmp_path / "in" / name, flat)
    write_volume(tmp_path / name, flat, source=scan, affine=np.eye(4))
    assert flat.nbytes > 200 * (tmp_path / name).stat().st_size
    np.testing.assert_array_equal(voxels(tmp_path / name), flat)


SERIES = np.random.default_rng(1).normal(500, 50, (9, 8, 6, 5)).astype(np.float32)


def series(path: Path, dtype: str, *, big_endian: bool = False) -> Path:
    """A diffusion series with all that a header can have."""
    path.parent.mkdir(exist_ok=True)
    affine = np.array([[0, -2.0, 0, 9], [1.5, 0, 0, -3], [0, 0, 4, 1], [0, 0, 0, 1]])
    if path.name.endswith((".mgh", ".mgz")):
        image = nibabel.MGHImage(SERIES.astype(dtype), affine)
        image.header.set_zooms((1.5, 2.0, 4.0, 2500.0))
    else:
        kind = nibabel.Nifti1Pair if path.suffix == ".img" else nibabel.Nifti1Image
        image = kind(SERIES.astype(dtype), affine, kind.header_class(endianness="<>"[big_endian]))
        image.set_data_dtype(dtype)
        image.header["pixdim"][4], image.header["descrip"] = 2.5, b"TE=80"
        image.header.set_xyzt_units("mm", "sec")
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"a comment"))
        image.set_qform(affine, code=1)
        image.set_sform(affine, code=4)
        if dtype == "int16":
            image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, path)
    return path


def stream(path: Path, scan: Path, **options: Any) -> None:
    with open_output(path, source=scan, **options) as write:
        for volume in np.moveaxis(SERIES, -1, 0):
            write(volume)


@pytest.mark.parametrize("dtype", ["float32", "same"])
@pytest.mark.parametrize("kind", ["int16", "float32"])
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mgh", "a.mgz", "big.nii"])
def test_streamed_file_is_that_which_is_written_whole(name, kind, dtype, tmp_path):
    scan = series(tmp_path / "in" / name, kind, big_endian=name == "big.nii")
    stream(tmp_path / name, scan, dtype=dtype)
    write_volume(tmp_path / f"whole_{name}", SERIES, source=scan, affine=np.eye(4), dtype=dtype)
    one, other = (nibabel.openers.ImageOpener(tmp_path / f"{at}{name}").read() for at in ("", "whole_"))
    assert one == other
    before, after = nibabel.load(scan), nibabel.load(tmp_path / name)
    step = (1 if ".mg" in name else 0.5) if (kind, dtype) == ("int16", "same") else 1e-3
    np.testing.assert_allclose(after.get_fdata(), SERIES, atol=0.51 * step)
    assert after.header.get_zooms() == before.header.get_zooms()
    np.testing.assert_array_equal(after.affine, before.affine)


@pytest.mark.parametrize("name", ["a.mgz", "a.img"])
def test_series_of_other_formats_becomes_nifti(name, tmp_path):
    scan = series(tmp_path / "in" / name, "float32")
    stream(tmp_path / "a.nii.gz", scan)
    before, after = nibabel.load(scan), nibabel.load(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(after.get_fdata(), SERIES)
    np.testing.assert_allclose(after.affine, before.affine)
    assert after.header.get_zooms() == before.header.get_zooms() and after.header.get_zooms()[3] > 0
    assert after.header.get_xyzt_units() == ("mm", "msec" if name == "a.mgz" else "sec")


def test_series_is_never_whole_in_memory(tmp_path):
    shape = (32, 32, 16, 100)
    nibabel.save(nibabel.Nifti1Image(np.zeros(shape, np.float32), np.eye(4)), tmp_path / "in.nii")
    volume = np.ones(shape[:3], np.float32)
    tracemalloc.start()
    with open_output(tmp_path / "out.nii", source=tmp_path / "in.nii") as write:
        for _ in range(shape[3]):
            write(volume)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * volume.nbytes
    assert nibabel.load(tmp_path / "out.nii").get_fdata().min() == 1


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_series_is_written_whole_or_not_at_all(name, tmp_path):
    scan, path = series(tmp_path / "in" / name, "float32"), tmp_path / "out" / name
    stream(path, scan)
    whole = path.stat().st_size
    path.unlink()
    for size in (0, 200, whole // 2, whole - 8, whole - 1):
        with file_size_limit(size), pytest.raises(InputError, match="cannot be written") as refused:
            stream(path, scan)
        assert str(refused.value).startswith(f"{path}: ") and "\n" not in str(refused.value)
        assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    ("dtype", "expected"), [("u1", [0, 0, 254, 255]), ("i1", [-3, 0, 127, 127]), (">i2", [-3, 0, 254, 300])]
)
def test_integers_are_clipped_to_their_type(dtype, expected):
    values = to_type(np.float32([-3.2, 0.4, 254.4, 300]), np.dtype(dtype))
    assert values.dtype == dtype and values.tolist() == expected
