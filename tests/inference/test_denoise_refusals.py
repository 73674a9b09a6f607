"""`denoise` refuses what the command refuses, in one line that names the image or the option."""

import nibabel
import numpy as np
import pytest
import torch

import monai_unsup_denoise
from monai_unsup_denoise import InputError, denoise
from tests.cli.conftest import magnitudes

GOOD = magnitudes()


def with_voxel(value: float) -> np.ndarray:
    image = GOOD.copy()
    image[5, 5, 2] = value
    return image


IMAGES = {
    "NaN": (with_voxel(np.nan), "1 voxels are NaN"),
    "infinite": (with_voxel(np.inf), "infinite"),
    "too large for float32": (with_voxel(1.0).astype(np.float64) * 1e60, "infinite"),
    "negative": (with_voxel(-900), "negative values"),
    "zeros": (0 * GOOD, "all voxels are zero"),
    "too small": (GOOD[:8, :8, :3], "fewer voxels along an axis"),
    "empty": (GOOD[:0], "fewer voxels along an axis"),
    "number": (np.float32([7])[0:1], "1 axes"),
    "five axes": (np.stack([GOOD, GOOD])[None], "5 axes"),
    "complex": (GOOD.astype(np.complex64), "complex voxels"),
    "complex tensor": (torch.from_numpy(GOOD).to(torch.complex64), "complex voxels"),
    "colours": (np.zeros(GOOD.shape, dtype="u1, u1, u1"), "colour voxels"),
    "mask": (GOOD > 450, "bool voxels"),
    "texts": (np.array([["a"]]), "<U1 voxels"),
    "list": (GOOD.tolist(), "list is no kind of image"),
    "nothing": (None, "NoneType is no kind of image"),
    "channels": (torch.from_numpy(np.stack([GOOD, GOOD])), "give series_axis"),
    "series of zeros": (np.zeros((*GOOD.shape, 2)), "all voxels are zero"),
    "series with NaN": (np.stack([GOOD, with_voxel(np.nan)], axis=-1), "volume 1 (counted from 0)"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_image_is_refused_in_one_line(name, identity):
    image, words = IMAGES[name]
    with pytest.raises(InputError) as caught:
        denoise(image, model=identity)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("the image")
    assert isinstance(caught.value, ValueError)


def test_image_of_a_file_is_refused_by_its_name(tmp_path, identity, mri_denoise):
    for name, image in {"nan": with_voxel(np.nan), "complex": GOOD.astype(np.complex64), "small": GOOD[:3]}.items():
        path = tmp_path / f"{name}.nii"
        nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), path)
        with pytest.raises(InputError) as of_path:
            denoise(path, model=identity)
        with pytest.raises(InputError) as of_image:
            denoise(nibabel.load(path), model=identity)
        command = mri_denoise("denoise", path, tmp_path / "out.nii", "--model", identity)
        assert str(of_path.value) == str(of_image.value) and f"error: {of_path.value}\n" in command.err


def test_axis_of_a_series_is_for_images_in_memory(scan):
    with pytest.raises(InputError, match=rf"^{scan}: series_axis 0: is for an image in memory; leave it out$"):
        denoise(scan, series_axis=0)


def test_damaged_file_is_refused_when_it_is_read(tmp_path, identity):
    path = tmp_path / "cut.nii.gz"
    nibabel.save(nibabel.Nifti1Image(GOOD, np.eye(4)), path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut.nii.gz: cannot be read as a volume [^\n]*$"):
        denoise(nibabel.load(path), model=identity)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strength": 0}, "strength: 0 is out of range"),
        ({"strength": 1.5}, "strength: 1.5 is out of range"),
        ({"sigma": 0}, "sigma: 0 is out of range"),
        ({"sigma": float("nan")}, "sigma: nan is out of range"),
        ({"sigma": float("inf")}, "sigma: inf is out of range"),
        ({"dtype": "float64"}, "dtype: 'float64' is unknown"),
        ({"nonpositive": "zero"}, "nonpositive: 'zero' is unknown"),
        ({"device": "cuda:99"}, "device 'cuda:99': not on this machine"),
        ({"bundle": "nowhere"}, "no such file; give the folder of a bundle"),
        ({"model": "nowhere.pt"}, "nowhere.pt: no such file"),
        ({"series_axis": 0}, "series_axis 0: is for an image of 4 axes"),
    ],
)
def test_option_is_refused_in_one_line(options, words):
    with pytest.raises(InputError) as caught:
        denoise(GOOD, **options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_sigma_needs_a_model_that_knows_it(bundle):
    config = bundle / "configs" / "inference_paper.json"
    for image in (GOOD, np.stack([GOOD, GOOD], axis=-1)):
        with pytest.raises(InputError, match="sigma: this model does not know noise levels"):
            denoise(image, bundle=config, model=bundle / "models" / "model_paper.pt", sigma=30)
    clean, noise = denoise(GOOD, bundle=config, model=bundle / "models" / "model_paper.pt", return_noise=True)
    assert clean.shape == GOOD.shape and noise.sigma is None and noise.map is None


def test_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'denoise_all'"):
        monai_unsup_denoise.denoise_all  # noqa: B018
