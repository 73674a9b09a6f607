"""A header whose voxels begin inside itself, or with an axis of negative length, is refused."""

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import Compose, LoadImaged

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.reader import read_scan

VOLUME = np.random.default_rng(0).integers(1, 1000, (20, 18, 6)).astype(np.float32)


def reason(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_scan(path, Compose([LoadImaged("image")]))
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "place", "offset"), [(nibabel.Nifti1Image, 108, b"\0" * 4), (nibabel.Nifti2Image, 168, b"\0" * 8)]
)
def test_voxels_inside_the_header_are_refused(kind, place, offset, tmp_path):
    path = tmp_path / "a.nii"
    nibabel.save(kind(VOLUME, np.eye(4)), path)
    content = path.read_bytes()
    path.write_bytes(content[:place] + offset + content[place + len(offset) :])
    assert "the voxels begin at byte 0, which is inside it" in reason(path)


@pytest.mark.parametrize("length", [-1, -6])
def test_axis_of_negative_length_is_refused(length, tmp_path):
    path = tmp_path / "a.mgz"
    nibabel.save(nibabel.MGHImage(VOLUME, np.eye(4)), path)
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:16] + length.to_bytes(4, "big", signed=True) + content[20:]))
    assert "an axis of negative length" in reason(path)
