"""The volumes of a 4-D file are read one at a time, as the whole file would be."""

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.volumes import open_volumes, read_volume

VALUES = np.random.default_rng(0).integers(0, 900, (7, 6, 5, 4)).astype(np.int16)
AFFINE = np.array([[0, -2.0, 0, 9], [1.5, 0, 0, -3], [0, 0, 4, 1], [0, 0, 0, 1]])


def save(path, values=VALUES, *, big_endian=False, scaling=(None, None)):
    header = nibabel.Nifti1Header(endianness=">" if big_endian else "<")
    header.set_data_dtype(values.dtype)
    image = nibabel.Nifti1Image(values, AFFINE, header)
    image.header.set_slope_inter(*scaling)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.NII.GZ"])
@pytest.mark.parametrize("kind", [{}, {"big_endian": True}, {"scaling": (0.5, 3.0)}], ids=str)
def test_volumes_are_read_as_the_whole_file(name, kind, tmp_path):
    path = save(tmp_path / name, **kind)
    volumes = open_volumes(path)
    assert len(volumes) == 4 and volumes.shape == (7, 6, 5)
    whole = nibabel.load(path).get_fdata(dtype=np.float32)
    for number in (0, 3, 1, 1):  # also backwards in a compressed file
        np.testing.assert_array_equal(volumes[number].numpy(), whole[..., number])
        np.testing.assert_array_equal(volumes[number].affine, AFFINE)


@pytest.mark.parametrize("axes", [(1,), (1, 1), (0,)], ids=str)
def test_axes_behind_time_may_be_empty(axes, tmp_path):
    path = save(tmp_path / "a.nii", VALUES.reshape(*VALUES.shape, *(1 for _ in axes)))
    if axes == (0,):  # the field dim[5]
        content = bytearray(path.read_bytes())
        content[50:52] = bytes(2)
        path.write_bytes(content)
    np.testing.assert_array_equal(open_volumes(path)[2].numpy(), VALUES[..., 2])


@pytest.mark.parametrize("shape", [(7, 6, 20), (7, 6, 20, 1), (7, 6, 5, 1, 4), (7, 3, 5, 2, 4)], ids=str)
def test_scan_without_a_series_has_no_volumes(shape, tmp_path):
    values = np.resize(VALUES, shape)
    assert open_volumes(save(tmp_path / "a.nii", values)) is None
    assert read_volume(tmp_path / "a.nii", 0) is None


@pytest.mark.parametrize("dtype", [np.complex64, [("R", "u1"), ("G", "u1"), ("B", "u1")]], ids=str)
def test_voxels_that_are_no_numbers_make_no_series(dtype, tmp_path):
    nibabel.save(nibabel.Nifti1Image(np.zeros((7, 6, 5, 4), dtype), AFFINE), tmp_path / "a.nii")
    assert open_volumes(tmp_path / "a.nii") is None


@pytest.mark.parametrize("number", [4, -1])
def test_number_of_no_volume_is_refused(number, tmp_path):
    with pytest.raises(InputError, match=f"no volume {number}, there are 0 to 3; give another number"):
        read_volume(save(tmp_path / "a.nii"), number)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_cut_series_is_refused(name, tmp_path):
    path = save(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=rf"{name}: cannot be read as a volume .*copy or export it again"):
        open_volumes(path)


@pytest.mark.parametrize("place", [-6, -100], ids=["checksum", "voxels"])
def test_damaged_stream_of_a_series_is_refused(place, tmp_path):
    content = bytearray(save(tmp_path / "a.nii.gz").read_bytes())
    content[place] ^= 4
    (tmp_path / "a.nii.gz").write_bytes(content)
    with pytest.raises(InputError, match="a.nii.gz: .*; it is damaged.*copy or export it again"):
        open_volumes(tmp_path / "a.nii.gz")
