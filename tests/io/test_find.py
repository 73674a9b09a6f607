"""Finding volumes: each kind of file is read back by MONAI as it was written; what is not there is named."""

import json
import sys
import types
from pathlib import Path

import itk
import nibabel
import numpy as np
import pydicom
import pytest
from monai.transforms import LoadImage
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from scipy.io import netcdf_file

from monai_unsup_denoise.data import brainweb_datalist
from monai_unsup_denoise.data.subjects import split_by_subject
from monai_unsup_denoise.io.find import find_volumes

VOLUME = np.random.default_rng(0).integers(1, 1000, (5, 6, 7)).astype(np.int16)


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith((".nii", ".nii.gz")):
        nibabel.save(nibabel.Nifti1Image(VOLUME, np.eye(4)), path)
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


def write_minc1(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with netcdf_file(path, "w") as file:
        names = ("zspace", "yspace", "xspace")
        for axis, (name, length) in enumerate(zip(names, VOLUME.T.shape, strict=True)):
            file.createDimension(name, length)
            variable = file.createVariable(name, "i4", ())
            variable.step, variable.start, variable.spacing = float(axis + 1), -5.0, b"regular__"
            variable.direction_cosines = np.eye(3)[2 - axis]
        image = file.createVariable("image", "i2", names)
        image.signtype, image.valid_range = b"signed__", np.array([0.0, 1000.0])
        image[:] = VOLUME.T
        for name, value in (("image-max", 1000.0), ("image-min", 0.0)):
            file.createVariable(name, "f8", ()).data[...] = value
    return path


# --- find_volumes


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".mnc"])
def test_each_format_is_found_and_read_back_by_monai(tmp_path, suffix):
    path = write(tmp_path / f"scan{suffix}")
    for source in (path, tmp_path):
        (item,) = find_volumes(source)
        assert item == {"image": str(path)}
    np.testing.assert_array_equal(LoadImage()(item["image"]).numpy(), VOLUME)


@pytest.mark.parametrize("suffix", [".dcm", ".IMA", "", ".0001"])
def test_a_dicom_series_in_a_sub_folder_is_one_item_that_monai_reads(tmp_path, suffix):
    series = write_dicom_series(tmp_path / "study" / "series", suffix=suffix)
    nifti = write(tmp_path / "study" / "scan.nii.gz")
    assert find_volumes(tmp_path) == [{"image": str(nifti)}, {"image": str(series)}]
    assert find_volumes(series) == [{"image": str(series)}]
    loaded = LoadImage()(str(series))
    np.testing.assert_array_equal(loaded.numpy(), VOLUME)
    np.testing.assert_allclose(np.abs(np.diag(loaded.affine)[:3]), [2, 2, 3])


def test_a_folder_is_listed_in_order_without_hidden_or_other_files(tmp_path):
    expected = [write(tmp_path / name) for name in ("a/z.nii", "b.nii", "b/c.NII.GZ".lower(), "d.nrrd")]
    write(tmp_path / ".partial_b.nii")
    write(tmp_path / ".git" / "b.nii")
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "README").write_text("short")
    assert [item["image"] for item in find_volumes(tmp_path)] == sorted(map(str, expected), key=Path)


def test_a_monai_datalist_keeps_its_other_keys_and_is_relative_to_its_file(tmp_path):
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
        ("absent", None, FileNotFoundError, "absent: no such file or folder"),
        ("empty/", None, ValueError, "empty: no volume in this folder"),
        ("photo.png", "x", ValueError, "photo.png: unknown kind of file"),
        ("a.json", "{", ValueError, "a.json: not valid JSON"),
        ("b.json", "[]", ValueError, "b.json: .*'training'"),
        ("c.json", '{"training": []}', ValueError, "c.json: .*'training'"),
        ("d.json", '{"training": [{"label": "x"}]}', ValueError, r"d.json: training\[0\].*'image'"),
        ("e.json", '{"training": ["gone.nii"]}', FileNotFoundError, r"gone.nii: .*e.json.*training\[0\]"),
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


# --- split_by_subject


@pytest.mark.parametrize("amount", [2, 0.4])
def test_no_subject_is_on_both_sides_and_nothing_is_lost(amount):
    items = [{"image": f"{s}_{c}.nii", "subject": s} for s in range(5) for c in "abc"]
    rest, held_out = split_by_subject(items, amount)
    assert {i["subject"] for i in rest}.isdisjoint(i["subject"] for i in held_out)
    assert len(held_out) == 6 and sorted(map(str, rest + held_out)) == sorted(map(str, items))
    assert split_by_subject(items[::-1], amount)[1] == held_out[::-1]
    assert {str(split_by_subject(items, amount, seed=seed)[1]) for seed in range(9)} != {str(held_out)}


def test_subjects_are_read_from_bids_names_else_each_file_is_its_own():
    bids = [{"image": f"/data/sub-{s}/ses-{n}/sub-{s}_T1w.nii"} for s in ("01", "02") for n in (1, 2)]
    rest, held_out = split_by_subject(bids, 1)
    assert len(rest) == len(held_out) == 2
    assert len({Path(item["image"]).name for item in held_out}) == 1
    assert len(split_by_subject([{"image": "a.nii"}, {"image": "b.nii"}], 0.1)[1]) == 1


@pytest.mark.parametrize("amount", [0, 2, 1.0])
def test_a_split_that_empties_one_side_is_refused(amount):
    with pytest.raises(ValueError, match="both sides need at least one"):
        split_by_subject([{"image": "a.nii"}, {"image": "b.nii"}], amount)


# --- BrainWeb


def test_brainweb_files_are_told_apart_by_name_and_noisy_ones_left_out(tmp_path):
    for name in ("t1_icbm_normal_1mm_pn0_rf0", "t1_icbm_normal_1mm_pn3_rf0", "pd_ai_msles2_1mm_pn0_rf0", "x"):
        write(tmp_path / f"{name}.nii.gz")
    found = brainweb_datalist(tmp_path)
    assert [(item["contrast"], Path(item["image"]).name[:2]) for item in found] == [("PDw", "pd"), ("T1w", "t1")]
    assert found[0]["subject"] != found[1]["subject"]
    assert [item["contrast"] for item in brainweb_datalist(tmp_path, contrasts=["T1w"])] == ["T1w"]
    with pytest.raises(ValueError, match="no noise-free BrainWeb volume of .'T2w'."):
        brainweb_datalist(tmp_path, contrasts=["T2w"])


def test_brainwebs_own_minc_is_converted_so_that_monai_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path / "cache"))
    path = write_minc1(tmp_path / "files" / "t1_icbm_normal_1mm_pn0_rf0.mnc")
    (item,) = brainweb_datalist(path.parent)
    original = nibabel.load(path)
    loaded = LoadImage()(item["image"])
    np.testing.assert_allclose(loaded.numpy(), original.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(loaded.affine, original.affine)
    assert brainweb_datalist(path.parent) == [item]
    (path.parent / "t2_icbm.mnc").write_bytes(b"broken")
    with pytest.raises(ValueError, match="t2_icbm.mnc: cannot be read as MINC"):
        brainweb_datalist(path.parent)


def test_brainweb_is_downloaded_once_through_the_extra(tmp_path, monkeypatch):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path))
    calls = []

    def get_mri(sub_id, contrast, *, brainweb_dir, with_affine):
        calls.append(contrast)
        return VOLUME.astype(float), np.diag([1.0, 1, 2, 1])

    monkeypatch.setitem(sys.modules, "brainweb_dl", types.SimpleNamespace(get_mri=get_mri))
    for _ in range(2):
        items = brainweb_datalist(contrasts=["T1w", "PDw"])
    assert calls == ["T1", "PD"] and [item["contrast"] for item in items] == ["T1w", "PDw"]
    np.testing.assert_array_equal(LoadImage()(items[0]["image"]).numpy(), VOLUME)


def test_without_the_extra_the_message_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "brainweb_dl", None)
    with pytest.raises(ImportError, match=r"monai-unsup-denoise\[brainweb\]"):
        brainweb_datalist()
