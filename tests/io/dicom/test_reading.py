"""A series is read as ITK reads it, and what is no volume is refused in one line."""

from __future__ import annotations

import itk
import numpy as np
import pydicom
import pytest
from monai.transforms import LoadImage
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import find_series, read_series
from tests.io.dicom.synthetic import block, write_series

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read(folder):
    return read_series(find_series(folder)[0])


def test_voxels_and_affine_are_those_that_were_written(tmp_path):
    lps = write_series(tmp_path)
    volume = read(tmp_path)
    np.testing.assert_array_equal(volume.numpy(), block())
    np.testing.assert_allclose(volume.affine, TO_RAS @ lps, atol=1e-6)


def test_itk_reads_the_same(tmp_path):
    write_series(tmp_path, RescaleSlope=2.0, RescaleIntercept=-10.0)
    volume, reference = read(tmp_path), LoadImage(image_only=True)(tmp_path)
    np.testing.assert_array_equal(volume.numpy(), reference.numpy())
    np.testing.assert_allclose(volume.affine, reference.affine, atol=1e-5)


def test_a_real_sagittal_series_is_read_as_itk_reads_it(data_dir):
    folder = data_dir / "dicom" / "decubitus_t1_fl2d_sag"
    volume, reference = read(folder), LoadImage(image_only=True)(folder)
    np.testing.assert_array_equal(volume.numpy(), reference.numpy())
    np.testing.assert_allclose(volume.affine, reference.affine, atol=1e-5)


def test_each_slice_has_its_own_rescale_in_floating_point(tmp_path):
    slopes = [0.5, 0.25, 1.5, 2.0, 0.125, 1.0]
    write_series(tmp_path, RescaleSlope=slopes, RescaleIntercept=[1.5] * 6)
    np.testing.assert_allclose(read(tmp_path).numpy(), block() * np.array(slopes) + 1.5, rtol=1e-6)


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"Rows": [24, 24, 20, 24, 24, 24]}, "different sizes"),
        ({"PixelSpacing": [[0.8, 1.3]] * 5 + [[1.0, 1.0]]}, "different orientation or spacing"),
        ({"ImagePositionPatient": [[0.0, 0.0, z] for z in (0.0, 1, 2, 2, 3, 4)]}, "two slices at one position"),
        ({"ImagePositionPatient": [[0.0, 0.0, z] for z in (0.0, 1, 2, 4, 5, 6)]}, "some are missing"),
        ({"ImagePositionPatient": [[3.0 * (z == 2), 0.0, z] for z in range(6)]}, "shifted against each other"),
        ({"HighBit": 15}, "HighBit 15 with 12 bits stored"),
        ({"PixelSpacing": None}, "PixelSpacing is missing or malformed"),
        ({"NumberOfFrames": 2}, "a multi-frame file of a class that is not read .MR Image Storage"),
        ({"SamplesPerPixel": 3}, "colour"),
    ],
)
def test_what_is_no_stack_of_slices_is_refused(tags, says, tmp_path):
    write_series(tmp_path, **tags)
    with pytest.raises(InputError, match=says) as caught:
        read(tmp_path)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def compress(folder, syntax, encode):
    for path in folder.iterdir():
        item = pydicom.dcmread(path)
        item.PixelData = encapsulate([encode(item)])
        item["PixelData"].is_undefined_length = True
        item.file_meta.TransferSyntaxUID = syntax
        item.save_as(path)


def test_a_compressed_series_is_read_if_its_codec_is_installed(tmp_path):
    write_series(tmp_path)
    for path in tmp_path.iterdir():
        item = pydicom.dcmread(path)
        item.compress(RLELossless, generate_instance_uid=False)
        item.save_as(path)
    np.testing.assert_array_equal(read(tmp_path).numpy(), block())


def test_without_its_codec_the_syntax_and_the_cure_are_named(tmp_path):
    write_series(tmp_path)
    compress(tmp_path, JPEGLSLossless, lambda item: b"\xff\xd8\xff\xd9")
    with pytest.raises(InputError, match="JPEG-LS Lossless.*pip install python-gdcm"):
        read(tmp_path)


@pytest.mark.parametrize("signed", [0, 1])
def test_what_lies_above_the_stored_bits_does_not_count(signed, tmp_path):
    stored = block().astype(np.int32) - 700 * signed
    write_series(tmp_path, stored & 0x0FFF, PixelRepresentation=signed)
    np.testing.assert_array_equal(read(tmp_path).numpy(), stored)
    np.testing.assert_array_equal(LoadImage(image_only=True)(tmp_path).numpy(), stored)


def test_a_malformed_position_is_an_error_a_number_is_not(tmp_path):
    write_series(tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"IS\x02\x004 ", b"IS\x02\x00xy"))
    assert find_series(tmp_path)[0].number == 0 and read(tmp_path).shape == block().shape
    path = tmp_path / "003.dcm"
    path.write_bytes(path.read_bytes().replace(b"-60.0\\", b"-6x.0\\"))
    with pytest.raises(InputError, match="ImagePositionPatient is missing or malformed"):
        read(tmp_path)


def test_a_single_slice_has_the_thickness_that_it_says(tmp_path):
    write_series(tmp_path, block((20, 24, 3))[:, :, :1])
    assert read(tmp_path).shape == (20, 24, 1)
    assert np.linalg.norm(read(tmp_path).affine[:3, 2]) == pytest.approx(3.0)


def test_itk_agrees_on_where_the_voxels_lie(tmp_path):
    write_series(tmp_path)
    image = itk.imread([str(path) for path in find_series(tmp_path)[0].files])
    matrix = np.eye(4)
    matrix[:3, :3] = itk.array_from_matrix(image.GetDirection()) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    np.testing.assert_allclose(TO_RAS @ read(tmp_path).affine.numpy(), matrix, atol=1e-5)
