"""Training reads the formats that inference reads, and refuses what that refuses."""

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.data import ReadScansd
from monai_unsup_denoise.errors import InputError
from tests.io.dicom.synthetic import block, write_series


def test_scans_are_read_whatever_their_format(tmp_path):
    values = block().astype(np.float32)
    nibabel.save(nibabel.MGHImage(values, np.eye(4)), tmp_path / "a.mgz")
    nibabel.save(nibabel.Nifti1Pair(values, np.eye(4)), tmp_path / "b.img")
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "c.nii.gz")
    write_series(tmp_path / "d")
    for name in ("a.mgz", "b.img", "c.nii.gz", "d"):
        item = {"image": str(tmp_path / name), "label": tmp_path / name, "level": 5}
        read = ReadScansd(["image", "label"])(item)
        assert read["level"] == 5 and item["image"] == str(tmp_path / name)
        for key in ("image", "label"):
            np.testing.assert_array_equal(read[key].numpy(), values)


def test_ratio_image_is_refused_in_training(tmp_path):
    nibabel.save(nibabel.Nifti1Image(block(), np.eye(4)), tmp_path / "sub-01_UNIT1.nii")
    with pytest.raises(InputError, match="sub-01_UNIT1.nii: MP2RAGE ratio image"):
        ReadScansd("image")({"image": tmp_path / "sub-01_UNIT1.nii"})
