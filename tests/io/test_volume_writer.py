"""A volume is written whole and in the manner of its source, or not at all."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.volume_writer import write_volume

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
