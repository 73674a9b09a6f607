"""The derived series: what is new in it, what is kept, and that nothing else is touched."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import find_series, read_series, write_derived_series
from tests.io.dicom.synthetic import PATIENT, block, write_series

#: What a derived image says otherwise than its source.
NEW = {
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "ImageType",
    "DerivationDescription",
    "SourceImageSequence",
    "InstanceCreationDate",
    "InstanceCreationTime",
    "SmallestImagePixelValue",
    "LargestImagePixelValue",
    "PixelData",
}


def write(folder, voxels, out, **options):
    [series] = find_series(folder)
    return write_derived_series(series, voxels, out, sigma=12.3456, software="tool 1.0", **options)


@pytest.fixture
def source(tmp_path) -> Path:
    write_series(tmp_path / "source", RescaleSlope=0.5, RescaleIntercept=3.0)
    return tmp_path / "source"


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("signed", [0, 1])
def test_what_is_written_reads_back_within_half_a_stored_unit(signed, tmp_path):
    write_series(tmp_path / "source", RescaleSlope=0.5, RescaleIntercept=3.0, PixelRepresentation=signed)
    voxels = read_series(find_series(tmp_path / "source")[0]).numpy() * 0.93 + 0.2
    write(tmp_path / "source", voxels, tmp_path / "out")
    back = read_series(find_series(tmp_path / "out")[0])
    assert np.abs(back.numpy() - voxels).max() <= 0.25 + 1e-4
    np.testing.assert_array_equal(back.affine, read_series(find_series(tmp_path / "source")[0]).affine)


def test_values_beyond_the_stored_bits_are_clipped(source, tmp_path):
    voxels = np.full(block().shape, 1e6, dtype=np.float32)
    voxels[0] = -1e6
    write(source, voxels, tmp_path / "out")
    back = read_series(find_series(tmp_path / "out")[0]).numpy()
    assert set(np.unique(back)) == {3.0, 0.5 * 4095 + 3.0}


def test_all_tags_but_the_derived_ones_are_kept(source, tmp_path):
    files = write(source, block() * 0.4 + 3, tmp_path / "out")
    for path, original in zip(files, find_series(source)[0].files, strict=True):
        item, before = pydicom.dcmread(path), pydicom.dcmread(original)
        keywords = {element.keyword for dataset in (item, before) for element in dataset}
        assert {k for k in keywords if item.get(k) != before.get(k)} <= NEW
        assert {k: str(item[k].value) for k in PATIENT} == PATIENT
        assert list(item.ImageType) == ["DERIVED", "SECONDARY", "M"]
        assert (item.SeriesNumber, item.SeriesDescription) == (1004, "t1 denoised")
        assert "tool 1.0" in item.DerivationDescription and "sigma 12.35" in item.DerivationDescription
        [reference] = item.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == before.SOPInstanceUID
        assert item.file_meta.ImplementationVersionName.startswith("MRIDENOISE_")
        assert item.file_meta.MediaStorageSOPInstanceUID == item.SOPInstanceUID
        assert item.LargestImagePixelValue == item.pixel_array.max()


def test_every_identifier_is_new_and_of_one_series(source, tmp_path):
    items = [pydicom.dcmread(path) for path in write(source, block() * 0.5, tmp_path / "out")]
    before = [pydicom.dcmread(path) for path in source.iterdir()]
    uids = {item.SOPInstanceUID for item in items}
    assert len(uids) == len(items) and not uids & {item.SOPInstanceUID for item in before}
    assert len({item.SeriesInstanceUID for item in items} - {before[0].SeriesInstanceUID}) == 1
    assert {item.StudyInstanceUID for item in items} == {before[0].StudyInstanceUID}


def test_the_same_voxels_get_the_same_identifiers(source, tmp_path):
    voxels = read_series(find_series(source)[0]).numpy()
    uids = []
    for name, change in (("one", 0), ("again", 0), ("other", 1)):
        items = [pydicom.dcmread(path) for path in write(source, voxels + change, tmp_path / name)]
        uids.append([(item.SeriesInstanceUID, item.SOPInstanceUID) for item in items])
    assert uids[0] == uids[1] and not set(uids[0]) & set(uids[2])


def test_the_source_is_only_read(source, tmp_path):
    before = digests(source)
    files = write(source, block() * 0.5, tmp_path / "out")
    assert digests(source) == before
    assert {path.stat().st_nlink for path in files} == {1}


def test_a_compressed_source_is_written_uncompressed(tmp_path):
    write_series(tmp_path / "source")
    for path in (tmp_path / "source").iterdir():
        item = pydicom.dcmread(path)
        item.compress(RLELossless, generate_instance_uid=False)
        item.save_as(path)
    files = write(tmp_path / "source", block() * 0.5, tmp_path / "out")
    assert {pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in files} == {ExplicitVRLittleEndian}
    assert np.abs(read_series(find_series(tmp_path / "out")[0]).numpy() - block() * 0.5).max() <= 0.5


def test_what_was_true_of_the_other_pixels_is_left_out(tmp_path):
    write_series(
        tmp_path / "source",
        SmallestPixelValueInSeries=1,
        LargestPixelValueInSeries=2,
        IconImageSequence=[pydicom.Dataset()],
        LossyImageCompression="01",
    )
    for path in (tmp_path / "source").iterdir():
        item = pydicom.dcmread(path)
        item.preamble = b"II*\0" + b"offsets into the source".ljust(124)
        item.PixelData = (item.pixel_array | 0x1000).tobytes()
        item.add_new(0x60000010, "US", 24)  # an overlay in the pixels' thirteenth bit: it has no data of its own
        item.add_new(0x60000102, "US", 12)
        item.add_new(0x60020010, "US", 24)
        item.add_new(0x60023000, "OW", bytes(60))
        item.save_as(path)
    [path, *_] = write(tmp_path / "source", block(), tmp_path / "out")
    item = pydicom.dcmread(path)
    gone = {"SmallestPixelValueInSeries", "LargestPixelValueInSeries", "IconImageSequence", (0x6000, 0x0010)}
    assert not [tag for tag in gone if tag in item]
    assert item.LossyImageCompression == "01" and (0x6002, 0x3000) in item
    assert path.read_bytes()[:128] == bytes(128)
    assert item.pixel_array.max() < 0x1000
    np.testing.assert_array_equal(read_series(find_series(tmp_path / "source")[0]).numpy(), block())


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_permissions_are_those_that_the_user_lets_others_have(source, tmp_path):
    before = os.umask(0o077)
    try:
        files = write(source, block(), tmp_path / "out")
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in (tmp_path / "out", files[0])] == ["0o700", "0o600"]


def test_voxels_that_are_no_numbers_are_refused(source, tmp_path):
    voxels = block().astype(np.float32)
    voxels[3, 3, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        write(source, voxels, tmp_path / "out")


def test_a_long_description_stays_within_what_dicom_allows(tmp_path):
    write_series(tmp_path / "source", SeriesDescription="x" * 64)
    [path, *_] = write(tmp_path / "source", block(), tmp_path / "out")
    description = pydicom.dcmread(path).SeriesDescription
    assert len(description) == 64 and description.endswith(" denoised")


def test_an_earlier_series_is_replaced_only_where_asked_for(source, tmp_path):
    write(source, block(), tmp_path / "out")
    with pytest.raises(InputError, match="holds a series already; add --overwrite"):
        write(source, block(), tmp_path / "out")
    write(source, block() * 0, tmp_path / "out", overwrite=True)
    assert read_series(find_series(tmp_path / "out")[0]).max() == 3.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


def test_a_folder_with_anything_else_in_it_is_never_replaced(source, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="holds other files"):
        write(source, block(), tmp_path / "home", overwrite=True)
    with pytest.raises(InputError, match="is the folder of the input"):
        write(source, block(), source, overwrite=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years"


def test_a_failure_leaves_nothing(source, tmp_path, monkeypatch):
    calls = []
    save = pydicom.dcmwrite

    def full_disk(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        save(*arguments, **options)

    monkeypatch.setattr(pydicom, "dcmwrite", full_disk)
    with pytest.raises(InputError, match="No space left"):
        write(source, block(), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_voxels_of_another_shape_are_refused(source, tmp_path):
    with pytest.raises(ValueError, match="slices of the series"):
        write(source, block()[:, :, :-1], tmp_path / "out")
    with pytest.raises(ValueError, match="but the slice has"):
        write(source, block()[:-1], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def findings(path: Path) -> set[str]:
    """What `dciodvfy` complains of, without the values."""
    done = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("Error", "Warning"))}


@pytest.mark.parametrize("real", [False, True])
def test_dciodvfy_finds_no_error_that_the_source_has_not(real, source, tmp_path, request):
    if shutil.which("dciodvfy") is None:
        pytest.skip("needs dciodvfy: apt-get install dicom3tools")
    if real:
        source = request.getfixturevalue("data_dir") / "dicom" / "decubitus_t1_fl2d_sag"
    [series] = find_series(source)
    files = write(source, read_series(series).numpy() * 0.9, tmp_path / "out")
    for index in (0, len(files) // 2, -1):
        assert findings(files[index]) <= findings(series.files[index])
