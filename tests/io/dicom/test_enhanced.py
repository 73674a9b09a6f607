"""Enhanced multi-frame files: read as the classic series of the same slices, derived, or refused by name."""

from __future__ import annotations

import itk
import numpy as np
import pydicom
import pytest
from monai.transforms import Compose
from pydicom.uid import (
    EnhancedMRColorImageStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    RLELossless,
)

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import find_series, read_series, stored_type, write_derived_series
from monai_unsup_denoise.io.reader import read_scan
from tests.io.dicom.enhanced import to_enhanced
from tests.io.dicom.synthetic import PATIENT, block, save, write_series

SLOPES, ORDER = [0.5, 0.25, 1.5, 2.0, 0.125, 1.0], [3, 1, 0, 5, 2, 4]
TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def classic(tmp_path):
    write_series(tmp_path / "classic", RescaleSlope=SLOPES, RescaleIntercept=[1.5] * 6)
    return tmp_path / "classic"


def read(path):
    return read_series(find_series(path)[0])


def derive(path, voxels, out):
    [file] = write_derived_series(find_series(path)[0], voxels, out, sigma=12.3456, software="tool 1.0")
    return pydicom.dcmread(file)


@pytest.mark.parametrize("all_per_frame", [False, True])
def test_frames_in_any_order_equal_the_classic_series(all_per_frame, classic, tmp_path):
    to_enhanced(classic, tmp_path / "in" / "x", order=ORDER, all_per_frame=all_per_frame)
    expected = block() * np.array(SLOPES) + 1.5
    for volume in (read(tmp_path / "in"), read_scan(tmp_path / "in" / "x", Compose([]))["image"]):
        np.testing.assert_allclose(volume.numpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(volume.affine, read(classic).affine, atol=1e-9)


def test_itk_reads_frames_in_order_alike(tmp_path):
    write_series(tmp_path / "classic", RescaleSlope=2.0, RescaleIntercept=-3.0)
    path = to_enhanced(tmp_path / "classic", tmp_path / "x.dcm")
    image, matrix = itk.imread(str(path)), np.eye(4)
    matrix[:3, :3] = itk.array_from_matrix(image.GetDirection()) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    np.testing.assert_allclose(TO_RAS @ read(path).affine.numpy(), matrix, atol=1e-5)
    np.testing.assert_array_equal(read(path).numpy(), itk.array_view_from_image(image).T)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless])
def test_every_encoding_of_frames_is_read_and_derived(syntax, classic, tmp_path):
    tags = {"SOPClassUID": LegacyConvertedEnhancedMRImageStorage}
    item = pydicom.dcmread(to_enhanced(classic, tmp_path / "x.dcm", order=ORDER, tags=tags))
    expected = read(tmp_path / "x.dcm").numpy()
    if syntax == RLELossless:
        item.compress(RLELossless, generate_instance_uid=False)
        item.save_as(tmp_path / "x.dcm")
    else:
        plain = pydicom.Dataset()
        plain.update(item)
        plain.PixelData = item.pixel_array.astype("<u2" if syntax.is_little_endian else ">u2").tobytes()
        plain.file_meta = item.file_meta
        plain.file_meta.TransferSyntaxUID = syntax
        save(plain, tmp_path / "x.dcm")
    np.testing.assert_array_equal(read(tmp_path / "x.dcm").numpy(), expected)
    assert derive(tmp_path / "x.dcm", expected, tmp_path / "out").SOPClassUID == LegacyConvertedEnhancedMRImageStorage
    np.testing.assert_array_equal(read(tmp_path / "out").numpy(), expected)


def test_frames_of_one_volume_in_two_files_are_one_series(classic, tmp_path):
    tags = {"ConcatenationUID": "1.2.3", "InConcatenationNumber": 1}
    to_enhanced(classic, tmp_path / "in" / "a.dcm", order=[5, 0, 2], tags=tags)
    to_enhanced(classic, tmp_path / "in" / "b.dcm", order=[4, 1, 3], tags=tags)
    [series] = find_series(tmp_path / "in")
    voxels = read_series(series).numpy()
    np.testing.assert_array_equal(voxels, read(classic).numpy())
    files = write_derived_series(series, voxels, tmp_path / "out", sigma=None, software="tool")
    assert len(files) == 2 and "ConcatenationUID" not in pydicom.dcmread(files[0])
    np.testing.assert_array_equal(read(tmp_path / "out").numpy(), voxels)


def test_a_derived_object_keeps_frames_tags_and_geometry(classic, tmp_path):
    path = to_enhanced(classic, tmp_path / "x.dcm", order=ORDER, tags={"IconImageSequence": [pydicom.Dataset()]})
    voxels = read(path).numpy() * 0.9 + 0.2
    item, before = derive(path, voxels, tmp_path / "out"), pydicom.dcmread(path)
    for frame, place in enumerate(ORDER):
        values = item.pixel_array[frame].T * SLOPES[place] + 1.5
        assert np.abs(values - voxels[:, :, place]).max() <= SLOPES[place] / 2 + 1e-3
        group, source = item.PerFrameFunctionalGroupsSequence[frame], before.PerFrameFunctionalGroupsSequence[frame]
        for keyword in ("PlanePositionSequence", "PixelValueTransformationSequence", "FrameContentSequence"):
            assert group[keyword] == source[keyword]
        assert group.MRImageFrameTypeSequence[0].FrameType[0] == "DERIVED"
        [derivation] = group.DerivationImageSequence
        assert derivation.DerivationDescription == item.DerivationDescription and derivation.DerivationCodeSequence
        [reference] = derivation.SourceImageSequence
        assert reference.ReferencedFrameNumber == frame + 1
        assert reference.ReferencedSOPInstanceUID == before.SOPInstanceUID
    assert item.SharedFunctionalGroupsSequence == before.SharedFunctionalGroupsSequence
    assert {k: str(item[k].value) for k in PATIENT} == PATIENT
    assert list(item.ImageType) == ["DERIVED", "PRIMARY", "M"] and "IconImageSequence" not in item
    assert item.LargestImagePixelValue == item.pixel_array.max()
    assert item.SOPInstanceUID != before.SOPInstanceUID and item.SeriesInstanceUID != before.SeriesInstanceUID
    assert item.file_meta.MediaStorageSOPInstanceUID == item.SOPInstanceUID
    [evidence] = item.SourceImageEvidenceSequence[0].ReferencedSeriesSequence
    assert evidence.SeriesInstanceUID == before.SeriesInstanceUID
    np.testing.assert_array_equal(read(tmp_path / "out").affine, read(path).affine)


def test_itk_finds_the_derived_object_where_the_source_was(tmp_path):
    write_series(tmp_path / "classic")
    path = to_enhanced(tmp_path / "classic", tmp_path / "x.dcm")
    derive(path, block() * 0.5, tmp_path / "out")
    image, source = itk.imread(str(tmp_path / "out" / "IM0001.dcm")), itk.imread(str(path))
    assert np.abs(itk.array_view_from_image(image).T - block() * 0.5).max() <= 0.5
    assert image.GetOrigin() == source.GetOrigin() and image.GetSpacing() == source.GetSpacing()


def test_an_earlier_derivation_of_all_frames_is_replaced(classic, tmp_path):
    item = pydicom.dcmread(to_enhanced(classic, tmp_path / "x.dcm"))
    item.SharedFunctionalGroupsSequence[0].DerivationImageSequence = [pydicom.Dataset()]
    item.save_as(tmp_path / "x.dcm")
    derived = derive(tmp_path / "x.dcm", read(classic).numpy(), tmp_path / "out")
    assert "DerivationImageSequence" not in derived.SharedFunctionalGroupsSequence[0]


def test_rescaled_frames_have_no_integer_type(classic, tmp_path):
    assert stored_type([to_enhanced(classic, tmp_path / "x.dcm")]) == np.float32
    write_series(tmp_path / "plain", PixelRepresentation=1)
    assert stored_type([to_enhanced(tmp_path / "plain", tmp_path / "y.dcm")]) == np.int16


def places(*along):
    return [[0.0, 0.0, float(z)] for z in along]


REFUSED = [
    ({"ImagePositionPatient": places(0, 1, 2, 4, 5, 6)}, "some are missing"),
    ({"ImagePositionPatient": places(0, 1, 2, 2, 3, 4)}, "two slices at one position"),
    ({"ImagePositionPatient": None}, "ImagePositionPatient is missing"),
    ({"ImageOrientationPatient": [[1, 0, 0, 0, 1, 0]] * 3 + [[0, 1, 0, 0, 0, 1]] * 3}, "different orientation"),
    ({"ImageOrientationPatient": [[1, 0, 0, 0.5, 1, 0]] * 6}, "not perpendicular"),
    ({"PixelSpacing": [[0.0, 1.0]] * 6}, "PixelSpacing is not positive"),
    ({"PixelSpacing": None}, "PixelSpacing is missing"),
    ({"StackID": ["1"] * 3 + ["2"] * 3}, "several volumes .2 stacks"),
    ({"TemporalPositionIndex": [1, 1, 1, 2, 2, 2]}, "several volumes .2 time points"),
    ({"EffectiveEchoTime": [2.3, 4.6] * 3}, "several volumes .2 echoes"),
    ({"DiffusionBValue": [0.0] + [1000.0] * 5}, "several volumes .2 b-values"),
    ({"ComplexImageComponent": ["MAGNITUDE"] * 5 + ["PHASE"]}, "a phase, real or imaginary image"),
    ({"FrameType": [["ORIGINAL", "PRIMARY", "M", "NONE"]] * 5 + [["ORIGINAL", "PRIMARY", "P", "NONE"]]}, "a phase"),
    ({"RescaleSlope": [1.0] * 5 + [float("nan")]}, "RescaleSlope or RescaleIntercept is no number"),
]
REFUSED_FILES = [
    ({"ComplexImageComponent": "MIXED"}, "a phase, real or imaginary image"),
    ({"PhotometricInterpretation": "MONOCHROME1"}, "MONOCHROME1"),
    ({"SamplesPerPixel": 3}, "colour"),
    ({"SOPClassUID": EnhancedMRColorImageStorage}, "a class that is not read .Enhanced MR Color Image Storage"),
    ({"SOPClassUID": MRImageStorage}, "a class that is not read .MR Image Storage"),
    ({"SOPClassUID": "1.3.46.670589.11.0.0.12.1"}, "a class that is not read .1.3.46.670589.11.0.0.12.1"),
    ({"NumberOfFrames": 7}, "7 frames, of which 6 are described"),
    ({"NumberOfFrames": 5}, "5 frames, of which 6 are described"),
    ({"PerFrameFunctionalGroupsSequence": []}, "6 frames, of which 0 are described"),
    ({"SharedFunctionalGroupsSequence": []}, "ImageOrientationPatient is missing"),
    ({"Rows": 25}, "5760 bytes of pixels, but 6000 by its header"),
    ({"Rows": 23}, "5760 bytes of pixels, but 5520 by its header"),
    ({"SOPInstanceUID": ""}, "has no SOPInstanceUID"),
]


@pytest.mark.parametrize(
    ("tags", "frame_tags", "says"),
    [*(({}, tags, says) for tags, says in REFUSED), *((tags, {}, says) for tags, says in REFUSED_FILES)],
)
def test_frames_that_are_no_volume_of_magnitudes_are_refused(tags, frame_tags, says, tmp_path):
    write_series(tmp_path / "classic")
    path = tmp_path / "in" / "x.dcm"
    to_enhanced(tmp_path / "classic", path, order=ORDER, all_per_frame=bool(frame_tags), tags=tags, **frame_tags)
    for scan in (path, path.parent):
        with pytest.raises(InputError, match=says) as caught:
            read_scan(scan, Compose([]))
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)
