"""What is no number in an NRRD or MetaImage header is refused; its library would take it for another."""

from pathlib import Path

import itk
import numpy as np
import pytest
from monai.transforms import Compose, LoadImaged

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.reader import read_scan

VOLUME = np.random.default_rng(0).integers(1, 1000, (20, 18, 6)).astype(np.int16)
READ = Compose([LoadImaged("image")])


def write(path: Path, old: bytes, new: bytes, *, compressed: bool = False) -> Path:
    """A volume with a change to its header."""
    image = itk.image_from_array(np.ascontiguousarray(VOLUME.T))
    image.SetSpacing([1.25, 0.75, 3])
    itk.imwrite(image, str(path), compression=compressed)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("a.mha", b"= 1.25 0.75 3", b"= 1.25 0.7\x005 3", "'ElementSpacing' of its header is damaged"),
        ("a.mha", b"= 1.25 0.75 3", b"= 1.25 0.75", "'ElementSpacing' of its header is damaged: 3 numbers are needed"),
        ("a.mha", b"Offset = 0 0 0", b"Offset = 0 nan 0", "'Offset' of its header is damaged"),
        ("a.mha", b"TransformMatrix = 1 0", b"TransformMatrix = 1,0", "'TransformMatrix' of its header is damaged"),
        ("a.mha", b"NDims = 3", b"NDims = 999999999999", "'NDims' of its header is damaged"),
        ("a.mha", b"Offset = 0", b"Offset \x00 0", "a line of its header is no field"),
        ("a.mhd", b"Offset = 0 0 0", b"ElementSpacing = 1 1 1", "'ElementSpacing' is in its header twice"),
        ("a.mhd", b"a.raw", b"%s", "names files by a pattern that is not understood (%s)"),
        ("a.mhd", b"a.raw", b"%n%d", "names files by a pattern"),
        ("a.mhd", b"a.raw", b"%99999d", "names files by a pattern"),
        ("a.nhdr", b"a.raw", b"%s 1 2 1", "names files by a pattern"),
        ("a.nrrd", b"(1.25,0,0)", b"(1.2\x015,0,0)", "'spacedirections' of its header is damaged"),
        ("a.nrrd", b"origin: (0,0,0)", b"origin: (0,0,0", "'spaceorigin' of its header is damaged"),
    ],
)
def test_damaged_field_is_refused_by_name(name, old, new, says, tmp_path):
    path = write(tmp_path / name, old, new)
    with pytest.raises(InputError) as refused:
        read_scan(path, READ)
    assert str(refused.value).startswith(f"{path}: ") and says in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(("new", "says"), [(b"CompressedDataSixe", "no number"), (b"CompressedDataSize = 1", "1")])
def test_wrong_size_of_compressed_voxels_is_refused(new, says, tmp_path):
    """MetaIO returns other voxels at every call then."""
    path = write(tmp_path / "a.mha", b"CompressedDataSize", new, compressed=True)
    with pytest.raises(InputError, match=f"its header claims {says}"):
        read_scan(path, READ)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.mha", b"NDims = 3", "NDims = 3\nComment = \u00c5: a = b".encode()),
        ("a.mha", b"Offset = 0 0 0", b"Offset:  -0 +0.0 0e1 "),
        ("a.mhd", b"Offset = 0 0 0", b"Offset = .0 0. 0\r"),
        ("a.nrrd", b"origin: (0,0,0)", b"origin: ( 0, 0.0 ,-0e0)"),
        ("a.nrrd", b"origin: (0,0,0)", "origin: (0,0,0)\nwho:=\u00c5".encode()),
    ],
)
def test_unusual_field_that_is_sound_is_read(name, old, new, tmp_path):
    np.testing.assert_array_equal(read_scan(write(tmp_path / name, old, new), READ)["image"].numpy(), VOLUME)
