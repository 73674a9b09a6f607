"""Finding volumes: each kind of file is read back by MONAI as it was written; what is not there is named."""

import json
from pathlib import Path

import itk
import nibabel
import numpy as np
import pydicom
import pytest
from monai.transforms import LoadImage
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import find_series
from monai_unsup_denoise.io.find import find_volumes

VOLUME = np.random.default_rng(0).integers(1, 1000, (5, 6, 7)).astype(np.int16)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".nii", ".nii.gz")):
        nibabel.save(nibabel.Nifti1Image(VOLUME, np.eye(4)), path)
    elif path.name.lower().endswith((".img", ".img.gz")):
        nibabel.save(nibabel.Nifti1Pair(VOLUME, np.eye(4)), path)
    else:
        itk.imwrite(itk.image_from_array(np.ascontiguousarray(VOLUME.T)), str(path))
    return path


def write_dicom_series(folder: Path, *, suffix: str = ".dcm") -> Path:
    folder.mkdir(parents=True)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for number in range(VOLUME.shape[2]):
        ds = pydicom.Dataset()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = MRImageStorage
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID = series, study, frame
        ds.Modality, ds.PatientID, ds.InstanceNumber = "MR", "phantom", number + 1
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.SliceThickness = [2, 2], 3
        ds.Rows, ds.Columns = VOLUME.shape[1], VOLUME.shape[0]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.PixelData = np.ascontiguousarray(VOLUME[:, :, number].T).tobytes()
        ds.save_as(folder / f"slice{9 - number}{suffix}", enforce_file_format=True)  # names not in slice order
    return folder


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".mnc"])
def test_each_format_is_found_and_read_back_by_monai(tmp_path, suffix):
    path = write(tmp_path / f"scan{suffix}")
    for source in (path, tmp_path):
        (item,) = find_volumes(source)
        assert item == {"image": str(path)}
    np.testing.assert_array_equal(LoadImage()(item["image"]).numpy(), VOLUME)


@pytest.mark.parametrize("suffix", [".dcm", ".IMA", "", ".0001"])
def test_a_dicom_series_in_a_sub_folder_is_one_item(tmp_path, suffix):
    series = write_dicom_series(tmp_path / "study" / "series", suffix=suffix)
    nifti = write(tmp_path / "study" / "scan.nii.gz")
    assert find_volumes(tmp_path) == [{"image": str(nifti)}, {"image": str(series)}]
    assert find_volumes(series) == [{"image": str(series)}]
    loaded = LoadImage()(str(series))
    np.testing.assert_array_equal(loaded.numpy(), VOLUME)
    np.testing.assert_allclose(np.abs(np.diag(loaded.affine)[:3]), [2, 2, 3])


def test_a_folder_is_listed_in_order_without_other_files(tmp_path):
    expected = [write(tmp_path / name) for name in ("a/z.nii", "b.nii", "b/c.NII.GZ".lower(), "d.nrrd")]
    write(tmp_path / ".partial_b.nii")
    write(tmp_path / ".git" / "b.nii")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "README").write_text("short")
    assert [item["image"] for item in find_volumes(tmp_path)] == sorted(map(str, expected), key=Path)


def test_a_pair_is_one_volume_and_dicom_img_is_a_series(tmp_path):
    pairs = [write(tmp_path / name) for name in ("a.img", "B.IMG", "c.img.gz")]
    (tmp_path / "only_header.hdr").write_bytes((tmp_path / "a.hdr").read_bytes())
    series = write_dicom_series(tmp_path / "series", suffix=".img")
    expected = sorted([*pairs, tmp_path / "only_header.hdr", series])
    assert [item["image"] for item in find_volumes(tmp_path)] == [str(path) for path in expected]
    assert find_volumes(tmp_path / "a.hdr") == [{"image": str(tmp_path / "a.hdr")}]
    assert find_volumes(series / "slice9.img") == [{"image": str(series / "slice9.img")}]


def test_linked_folders_are_walked_once_under_their_names(tmp_path):
    elsewhere = write(tmp_path / "annex" / "DOE" / "scan.nii").parent
    root = tmp_path / "data"
    own = write(root / "z" / "own.nii")
    for name, target in {"a_circle": root, "b_again": own.parent, "s1": elsewhere, "s2": elsewhere}.items():
        (root / name).symlink_to(target)
    (elsewhere / "back").symlink_to(root)
    (root / "gone").symlink_to(tmp_path / "nowhere")
    series = write_dicom_series(tmp_path / "annex" / "series")
    (root / "t").symlink_to(series)
    expected = [root / "s1" / "scan.nii", root / "t", own]
    assert [item["image"] for item in find_volumes(root)] == [str(path) for path in expected]
    assert len(find_volumes(root / "s1")) == 3  # by way of back
    (found,) = find_series(root)
    assert {path.parent for path in found.files} == {root / "t"} and len(found.files) == VOLUME.shape[2]


def test_a_datalist_keeps_other_keys_and_relative_paths(tmp_path):
    first, second = write(tmp_path / "images" / "1.nii"), write(tmp_path / "images" / "2.nii")
    listed = {"training": [{"image": "images/2.nii", "subject": "two"}, str(first)]}
    (tmp_path / "dataset.json").write_text(json.dumps(listed))
    assert find_volumes(tmp_path / "dataset.json") == [
        {"image": str(first)},
        {"image": str(second), "subject": "two"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("absent", None, InputError, "absent: no such file or folder"),
        ("empty/", None, InputError, "empty: no volume in this folder"),
        ("photo.png", "x", InputError, "photo.png: unknown kind of file"),
        ("a.json", "{", InputError, "a.json: not valid JSON"),
        ("b.json", "[]", InputError, "b.json: .*'training'"),
        ("c.json", '{"training": []}', InputError, "c.json: .*'training'"),
        ("d.json", '{"training": [{"label": "x"}]}', InputError, r"d.json: training\[0\].*'image'"),
        ("e.json", '{"training": ["gone.nii"]}', InputError, r"gone.nii: .*e.json.*training\[0\]"),
    ],
)
def test_what_cannot_be_listed_is_named_with_the_reason(tmp_path, name, content, error, message):
    path = tmp_path / name
    if name.endswith("/"):
        path.mkdir()
    elif content:
        path.write_text(content)
    with pytest.raises(error, match=message):
        find_volumes(path)
