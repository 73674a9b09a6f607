"""DICOM made to cost much or to mislead: refused in one line, at the cost of its own size."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pydicom
import pytest
from monai.transforms import Compose
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import find_series, read_series
from monai_unsup_denoise.io.reader import read_scan
from tests.io.dicom.damaged import read_and_derive, with_one_wrong_bit
from tests.io.dicom.enhanced import to_enhanced
from tests.io.dicom.synthetic import block, save, write_series

ITEM, END_OF_ITEM, END = (
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    b"\xfe\xff\x0d\xe0" + bytes(4),
    b"\xfe\xff\xdd\xe0" + bytes(4),
)
PIXELS = b"\xe0\x7f\x10\x00"


def nested(depth, tag):
    return (tag + b"SQ\0\0\xff\xff\xff\xff" + ITEM) * depth + (END_OF_ITEM + END) * depth


def deflate(path, more=b"", repeat=0):
    """Deflate the dataset of a file, with an element of ``repeat`` times ``more`` bytes at its end."""
    item = pydicom.dcmread(path)
    item.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    save(item, path)
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")  # after the meta information
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    parts = [deflater.compress(zlib.decompress(content[start:], -15))]
    if repeat:
        parts.append(deflater.compress(b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<I", repeat * len(more))))
    parts += [deflater.compress(more) for _ in range(repeat)]
    path.write_bytes(content[:start] + b"".join(parts) + deflater.flush())


def assert_refused(folder, says):
    """That ``folder`` is refused, with little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=says) as caught:
            read_scan(folder, Compose([]))
        assert "\n" not in str(caught.value)
        assert tracemalloc.get_traced_memory()[1] < 1.5e8
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("tag", [b"\x08\x00\x40\x11", b"\x00\x52\x30\x92"])
def test_deeply_nested_sequences_end_in_one_line(tag, tmp_path):
    write_series(tmp_path / "in")
    write_series(tmp_path / "good")
    path = tmp_path / "in" / "003.dcm"
    whole = path.read_bytes()
    place = whole.index(b"\x08\x00\x60\x00CS" if tag[0] else PIXELS)
    path.write_bytes(whole[:place] + nested(5000, tag) + whole[place:])
    assert_refused(tmp_path / "in", "it is damaged; copy it again")
    assert [bool(series.fault) for series in find_series(tmp_path)].count(False) == 1


def test_a_deflated_series_is_read(tmp_path):
    write_series(tmp_path)
    for path in tmp_path.iterdir():
        deflate(path, b"private", repeat=3)
    np.testing.assert_array_equal(read_series(find_series(tmp_path)[0]).numpy(), block())


@pytest.mark.parametrize("preamble", [True, False])
def test_a_deflate_bomb_is_not_inflated(preamble, tmp_path):
    write_series(tmp_path)
    path = tmp_path / "003.dcm"
    deflate(path, bytes(10**6), repeat=200)
    assert path.stat().st_size < 2e6
    if not preamble:
        path.write_bytes(path.read_bytes()[132:])
    assert_refused(tmp_path, "003.dcm: its deflated content is cut off, or inflates more than 64 times")


def test_a_deflated_file_that_is_cut_off_is_refused(tmp_path):
    write_series(tmp_path)
    deflate(tmp_path / "003.dcm")
    (tmp_path / "003.dcm").write_bytes((tmp_path / "003.dcm").read_bytes()[:-100])
    assert_refused(tmp_path, "003.dcm: its deflated content is cut off")


@pytest.mark.parametrize("is_compressed", [True, False])
def test_no_memory_is_taken_for_pixels_that_are_only_claimed(is_compressed, tmp_path):
    write_series(tmp_path / "classic")
    path = to_enhanced(tmp_path / "classic", tmp_path / "in" / "x.dcm")
    item = pydicom.dcmread(path)
    if is_compressed:
        item.compress(RLELossless, generate_instance_uid=False)
    item.Rows = item.Columns = 65535
    item.save_as(path)
    assert_refused(tmp_path / "in", "bytes of pixels, but 51538034700 by its header")


def test_a_slice_without_the_rescale_of_the_others_is_refused(tmp_path):
    write_series(tmp_path, RescaleSlope=0.5)
    item = pydicom.dcmread(tmp_path / "003.dcm")
    del item.RescaleSlope
    item.save_as(tmp_path / "003.dcm")
    assert_refused(tmp_path, "003.dcm: lacks RescaleSlope, which other slices have")


def test_damage_to_an_enhanced_file_raises_no_other_error(tmp_path):
    write_series(tmp_path / "classic", block((20, 24, 4)))
    path = to_enhanced(tmp_path / "classic", tmp_path / "in" / "x.dcm", order=[2, 0, 3, 1])
    whole, seeded = path.read_bytes(), np.random.default_rng(0)
    damaged = [whole[:length] for length in seeded.integers(len(whole), size=20)]
    damaged += with_one_wrong_bit(whole, before=whole.index(PIXELS), count=40, rng=seeded)
    read, refused = read_and_derive(path, damaged, tmp_path / "out")
    assert read == {(20, 24, 4)} and len(refused) > 20
    assert not [message for message in refused if "\n" in message]
