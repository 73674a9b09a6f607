"""Each kind of bad input is stopped by one line that names the file and says what to do."""

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged
from PIL import Image
from scipy import ndimage

from monai_unsup_denoise.transforms import CheckVolume, CheckVolumed


def volume(*, at: float | None = None, shape=(6, 5, 4)) -> np.ndarray:
    """Magnitudes 0, 1, 2, ..., one voxel of which is `at`."""
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    if at is not None:
        values[1, 1, 1] = at
    return values


BAD = {
    "slice": (volume(shape=(6, 5)), r"2 axes.*give the whole stack of slices"),
    "series": (volume(shape=(6, 5, 4, 3)), r"4 axes.*save the volumes one by one"),
    "colour": (volume(shape=(6, 5, 4, 1, 3)), r"5 axes.*colour.*save the volumes one by one"),
    "nan": (volume(at=np.nan), r"1 voxels are NaN; set them to numbers, or to 0 with --nonpositive clip"),
    "infinite": (volume(at=np.inf), r"1 voxels are NaN or infinite"),
    "minus infinite": (volume(at=-np.inf), r"1 voxels are NaN or infinite"),
    "negative": (volume(at=-2.5), r"down to -2.5, .*give the magnitude image.* to 0 with --nonpositive clip"),
    "signed": (volume() - 50, r"down to -50, .* \(not the phase.*their sum is 52.8% of .* clip takes at most 2%"),
    "zero": (volume() * 0, r"all voxels are zero.*export the scan again"),
    "short": (
        volume(shape=(6, 5, 2)),
        r"fewer voxels along an axis than the \(4, 4, 3\) needed.*larger volume",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_is_refused_with_name_shape_and_remedy(name, tmp_path):
    values, message = BAD[name]
    path = tmp_path / f"{name}.nii.gz"
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    item = LoadImaged("image")({"image": path})
    with pytest.raises(ValueError, match=message) as caught:
        CheckVolumed("image", min_shape=(4, 4, 3))(item)
    text = str(caught.value)
    assert text.startswith(f"{path} (shape (") and "\n" not in text


@pytest.mark.parametrize("name", BAD)
def test_key_is_named_without_a_file_name(name):
    values, message = BAD[name]
    for image in (values, torch.from_numpy(values), MetaTensor(values)):
        with pytest.raises(ValueError, match=rf"key 'scan' \(shape .*{message}"):
            CheckVolumed("scan", min_shape=(4, 4, 3))({"scan": image})


def test_colour_image_is_not_taken_for_three_slices(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((8, 8, 3), 7, dtype=np.uint8)).save(path)
    with pytest.raises(ValueError, match=r"photo.png \(shape \(8, 8, 3\)\): colour channels.*give the original scan"):
        CheckVolumed("image")(LoadImaged("image")({"image": path}))


def test_good_volume_passes_unchanged(tmp_path):
    path = tmp_path / "good.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume(), np.diag([2.0, 2, 3, 1])), path)
    item = LoadImaged("image")({"image": path, "level": 5})
    out = CheckVolumed("image", min_shape=4)(item)
    assert out["image"] is item["image"] and out["level"] == 5
    for image in (volume(), volume().astype(np.int16), torch.from_numpy(volume())):
        assert CheckVolume()(image) is image


def test_further_axes_of_one_voxel_are_dropped():
    for image in (volume(), torch.from_numpy(volume()), MetaTensor(volume())):
        checked = CheckVolume(4)(image.reshape(6, 5, 4, 1, 1))
        assert type(checked) is type(image)
        np.testing.assert_array_equal(checked, volume())


@pytest.mark.parametrize(("shape", "axis"), [((2, 6, 5), 0), ((6, 2, 5), 1), ((6, 5, 2), 2), ((3, 6, 2), None)])
def test_short_axis_becomes_the_last(shape, axis):
    affine = np.diag([2.0, 3, 4, 1])
    values = volume(shape=shape)
    if axis is None:
        with pytest.raises(ValueError, match="fewer voxels"):
            CheckVolume((4, 4, 1))(values)
        return
    checked = CheckVolume((4, 4, 1))(MetaTensor(values, affine=affine))
    np.testing.assert_array_equal(checked, np.moveaxis(values, axis, -1))
    np.testing.assert_array_equal(CheckVolume((4, 4, 1))(values), checked)
    assert checked.meta.get("slice_axis", 2) == axis
    voxel = np.array([1, 2, 1])  # the same one, before and after
    moved = np.append(np.delete(voxel, axis), voxel[axis])
    np.testing.assert_array_equal(checked.affine.numpy() @ [*moved, 1], affine @ [*voxel, 1])


def head(shape=(24, 24, 8)) -> np.ndarray:
    """Magnitudes 100 to 300 in an ellipsoid, 0 around it."""
    radii = (np.indices(shape).T / (np.array(shape) - 1) * 2 - 1).T
    return np.where((radii**2).sum(axis=0) < 0.8, np.random.default_rng(0).uniform(100, 300, shape), 0)


def test_clip_sets_few_negatives_to_zero_and_counts_them():
    turned = ndimage.rotate(head(), 11, reshape=False, order=3)  # splines overshoot at the mask
    assert turned.min() < -20
    for image in (turned, torch.from_numpy(turned), MetaTensor(turned)):
        clipped = CheckVolume(nonpositive="clip")(image)
        assert type(clipped) is type(image)
        np.testing.assert_array_equal(clipped, np.maximum(turned, 0))
    assert clipped.meta["clipped_voxels"] == (turned < 0).sum()
    assert CheckVolume(nonpositive="clip")(image := head()) is image


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_clip_sets_nan_of_background_to_zero(axis):
    masked = np.moveaxis(np.where(head() > 0, head(), np.nan), 2, axis)
    masked[tuple(n // 2 for n in masked.shape)] = np.nan  # one voxel in the middle
    clipped = CheckVolume(nonpositive="clip")(MetaTensor(masked))
    np.testing.assert_array_equal(clipped, np.nan_to_num(masked))
    assert clipped.meta["clipped_voxels"] == np.isnan(masked).sum() > masked.size / 2


def test_clip_refuses_what_is_no_magnitude():
    noisy, normal = head(), np.random.default_rng(1).standard_normal
    hole = noisy.copy()
    hole[9:15, 9:15, 3:5] = np.nan
    no_magnitudes = {
        "CT": np.where(noisy > 0, noisy - 150, -1000),
        "phase": np.angle(normal(noisy.shape) + 1j * normal(noisy.shape)),
        "z-score": (noisy - noisy.mean()) / noisy.std(),
        "real part": noisy + 10 * normal(noisy.shape),
        "hole": hole,
        "infinite": np.where(noisy > 299, np.inf, noisy),
        "NaN only": noisy * np.nan,
    }
    for name, image in no_magnitudes.items():
        with pytest.raises(ValueError, match=r"takes at most [12]%|are NaN or infinite|all voxels are zero"):
            CheckVolume(nonpositive="clip")(image)
            pytest.fail(name)
    with pytest.raises(ValueError, match="nonpositive: 'zero' is unknown; give refuse or clip"):
        CheckVolume(nonpositive="zero")


def test_compose_error_keeps_the_message_as_cause():
    with pytest.raises(RuntimeError) as caught:
        Compose([CheckVolumed("image")])({"image": volume() * 0})
    assert "all voxels are zero" in str(caught.value.__cause__)


def test_min_shape_is_one_number_or_three():
    with pytest.raises(ValueError, match="one number or three"):
        CheckVolume(min_shape=(4, 4))
