"""What is no magnitude image of one slice, and what is damaged: refused by name, alike as a folder and as a file."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from monai.transforms import Compose
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RawDataStorage,
)

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import find_series, read_series
from monai_unsup_denoise.io.dicom.files import begins_as_dicom
from monai_unsup_denoise.io.find import find_volumes
from monai_unsup_denoise.io.reader import read_scan
from tests.io.dicom.damaged import read_and_derive, with_one_wrong_bit
from tests.io.dicom.synthetic import block, save, write_series

KINDS = [
    ({"PhotometricInterpretation": "MONOCHROME1"}, "MONOCHROME1"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "a phase, real or imaginary image"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"]}, "a phase, real or imaginary image"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "I_FFE"]}, "a phase, real or imaginary image"),
    ({"ImageType": ["DERIVED", "PRIMARY", "M", "UNI"]}, "MP2RAGE ratio image: its noise is not Rician"),
    ({"SeriesDescription": "t1_mp2rage_sag_p3_iso_UNI_Images"}, "MP2RAGE ratio image"),
    ({"ComplexImageComponent": "PHASE"}, "a phase, real or imaginary image"),
    ({"ComplexImageComponent": "REAL"}, "a phase, real or imaginary image"),
    ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}, "a Siemens mosaic"),
    ({"SOPClassUID": EnhancedMRImageStorage}, "enhanced multi-frame file of 0 frames, of which 0 are described"),
    ({"NumberOfFrames": 6}, "a multi-frame file of a class that is not read .MR Image Storage"),
    ({"SeriesInstanceUID": None}, "has no SeriesInstanceUID"),
    ({"SOPInstanceUID": None}, "has no SOPInstanceUID"),
]


def assert_refused(path, says, file):
    with pytest.raises(InputError, match=says) as caught:
        read_scan(path, Compose([]))
    assert str(caught.value).startswith(f"{file}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(("tags", "says"), KINDS)
def test_an_unusual_image_is_refused_as_folder_and_file(tags, says, tmp_path):
    write_series(tmp_path, **tags)
    first, *_ = find_series(tmp_path)[0].files
    assert_refused(tmp_path, says, first)
    assert_refused(tmp_path / "003.dcm", says, tmp_path / "003.dcm")


@pytest.mark.parametrize(
    ("creator", "element", "vr", "value", "says"),
    [
        ("SIEMENS MR HEADER", 0x0019100A, "US", 36, "mosaic"),
        ("GEMS_PARM_01", 0x0043102F, "SS", 1, "phase"),
        ("GEMS_PARM_01", 0x0043102F, "SS", 0, None),
        ("SIEMENS MR HEADER", 0x0019100A, "US", 1, None),
        ("OTHER", 0x0019100A, "US", 36, None),
    ],
)
def test_private_elements_of_their_creators_count(creator, element, vr, value, says, tmp_path):
    write_series(tmp_path)
    for path in tmp_path.iterdir():
        item = pydicom.dcmread(path)
        item.add_new((element & 0xFFFF0000) + 0x10, "LO", creator)
        item.add_new(element, vr, value)
        item.save_as(path)
    if says:
        return assert_refused(tmp_path, says, tmp_path / "006.dcm")
    np.testing.assert_array_equal(read_scan(tmp_path, Compose([]))["image"].numpy(), block())


@pytest.mark.parametrize(
    "kinds", ["DERIVED", ["ORIGINAL", "PRIMARY", "M", "NORM", "DIS2D"], ["ORIGINAL", "PRIMARY", "OTHER"]]
)
def test_usual_image_types_are_read(kinds, tmp_path):
    write_series(tmp_path, ImageType=kinds, ComplexImageComponent="MAGNITUDE")
    np.testing.assert_array_equal(read_scan(tmp_path, Compose([]))["image"].numpy(), block())


@pytest.mark.parametrize("ending", [".dcm", ".MR", ""])
@pytest.mark.parametrize("content", [b"", bytes(500), bytes(100), bytes(128) + b"DICM", bytes(128) + b"DICM\2\0\0\0UL"])
def test_a_slice_without_content_is_no_missing_slice(content, ending, tmp_path):
    write_series(tmp_path)
    for path in tmp_path.iterdir():
        path.rename(path.with_suffix(ending))
    last = tmp_path / f"001{ending}"
    last.write_bytes(content)
    assert_refused(tmp_path, "copy it again", last)


@pytest.mark.parametrize("preamble", [True, False])
def test_a_slice_that_was_cut_anywhere_is_noticed(preamble, tmp_path):
    write_series(tmp_path, block((20, 24, 4)))
    if not preamble:
        for path in tmp_path.iterdir():
            path.write_bytes(path.read_bytes()[132:])
    last = tmp_path / "001.dcm"
    whole = last.read_bytes()
    for length in [*range(0, 1400, 9), *range(1400, len(whole), 97), len(whole) - 1]:
        last.write_bytes(whole[:length])
        with pytest.raises(InputError, match=str(last)) as caught:
            read_scan(tmp_path, Compose([]))
        assert "\n" not in str(caught.value), length


def test_one_wrong_bit_raises_no_other_error(tmp_path):
    write_series(tmp_path / "in", block((20, 24, 3)))
    middle, seeded = tmp_path / "in" / "002.dcm", np.random.default_rng(0)
    whole = middle.read_bytes()
    damaged = with_one_wrong_bit(whole, before=len(whole) - 2 * 20 * 24, count=150, rng=seeded)
    read, refused = read_and_derive(middle, damaged, tmp_path / "out")
    assert read == {(20, 24, 3)} and len(refused) > 20
    assert not [message for message in refused if "\n" in message and "choose one by number" not in message]


@pytest.mark.parametrize("named", ["001.dcm", "extra.IMA", "text.dcm"])
def test_a_broken_link_or_text_named_as_dicom_is_said(named, tmp_path):
    write_series(tmp_path)
    (tmp_path / named).unlink(missing_ok=True)
    if named == "text.dcm":
        (tmp_path / named).write_text("version https://git-lfs.github.com/spec/v1")
    else:
        (tmp_path / named).symlink_to(tmp_path / "gone")
    assert_refused(tmp_path, "copy it again", tmp_path / named)


@pytest.mark.parametrize("name", ["IM{}", "{}", "1.2.840.{}"])
def test_slice_without_ending_that_is_no_dicom_is_noticed(name, tmp_path):
    write_series(tmp_path)
    for number, path in enumerate(sorted(tmp_path.iterdir())):
        path.rename(tmp_path / name.format(number))
    (tmp_path / "README").write_text("no image")
    read_scan(tmp_path, Compose([]))
    (tmp_path / name.format(number)).write_text("<html>404</html>")
    assert_refused(tmp_path, "no DICOM file, or damaged; copy it again, or remove it", tmp_path / name.format(number))


def test_what_is_no_image_beside_a_series_is_passed_over(tmp_path):
    write_series(tmp_path / "in")
    for path in (tmp_path / "in").iterdir():
        path.rename(path.with_suffix(""))
    for name in ("README", "notes.txt", "scan.json", "Thumbs.db", "empty.txt", ".DS_Store", "DICOMDIR", "a.img"):
        (tmp_path / "in" / name).write_text("" if name == "empty.txt" else "no image at all")
    write_series(tmp_path / "raw", SOPClassUID=RawDataStorage, Rows=None, SeriesInstanceUID="1.2.3")
    (tmp_path / "raw" / "001.dcm").rename(tmp_path / "in" / "raw")
    item = pydicom.dcmread(tmp_path / "in" / "raw")
    del item.Rows
    item.save_as(tmp_path / "in" / "raw")
    np.testing.assert_array_equal(read_scan(tmp_path / "in", Compose([]))["image"].numpy(), block())


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("meta", [True, False])
def test_a_file_without_preamble_is_read(syntax, meta, tmp_path):
    lps = write_series(tmp_path / "in")
    for path in (tmp_path / "in").iterdir():
        item = pydicom.dcmread(path)
        if syntax == ExplicitVRBigEndian:
            item.PixelData = item.pixel_array.astype(">u2").tobytes()
        item.file_meta.TransferSyntaxUID = syntax
        if pydicom.__version__ >= "3":
            item._read_little, item._read_implicit = None, None
        save(item, path)
        content = path.read_bytes()[128 + 4 :]
        group = int.from_bytes(content[8:12], "little") + 12  # of the meta information
        path.write_bytes(content if meta else content[group:])
        path.rename(path.with_suffix(""))
    assert find_volumes(tmp_path) == [{"image": str(tmp_path / "in")}]
    volume = read_series(find_series(tmp_path / "in")[0])
    np.testing.assert_array_equal(volume.numpy(), block())
    np.testing.assert_allclose(volume.affine, np.diag([-1, -1, 1, 1]) @ lps, atol=1e-6)


def test_few_raw_images_begin_as_dicom_does():
    generator = np.random.default_rng(0)
    images = np.abs(generator.normal(0, generator.choice([3, 10, 30, 300], size=(20000, 1)), (20000, 128))).astype(
        "<i2"
    )
    images[:, 0] = generator.choice([2, 8], size=20000)
    assert sum(begins_as_dicom(image.tobytes()) for image in images) < 100
