"""The reference intensity, and the way there and back."""

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from monai.transforms import (
    Compose,
    CropForegroundd,
    EnsureChannelFirstd,
    Flipd,
    Invertd,
    LoadImaged,
    Orientationd,
    RandFlipd,
    SaveImaged,
    Spacingd,
)

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.transforms import (
    RandRiciand,
    ScaleToReferenceIntensity,
    ScaleToReferenceIntensityd,
    reference_intensity,
)


def head(side: int = 48, *, dimensions: int = 3) -> torch.Tensor:
    """A ball of grey and white matter in a bright rim, (1, *spatial); background 0, rim 1."""
    axis = torch.linspace(-1, 1, side)
    r = torch.sqrt(sum(x**2 for x in torch.meshgrid(*[axis] * dimensions, indexing="ij"))) / 0.8
    tissue = torch.where(r < 0.4, 0.8, 0.6)
    return torch.where(r < 0.8, tissue, torch.where(r < 1, 1.0, 0.0))[None]


def noisy(image: torch.Tensor, sigma: float) -> torch.Tensor:
    return add_rician_noise(image, sigma, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 4000.0])
def test_reference_is_the_bright_tissue_in_any_unit(scale, dimensions):
    assert reference_intensity(scale * head(dimensions=dimensions)).item() == pytest.approx(scale, rel=1e-6)


@pytest.mark.parametrize("percentile", [50, 90, 99.5])
def test_reference_is_independent_of_background_size(percentile):
    padded = torch.nn.functional.pad(head(), (30, 30, 30, 30, 30, 30))  # 98 % background; by whole blocks of three
    assert reference_intensity(padded, percentile) == reference_intensity(head(), percentile)


def test_reference_ignores_outliers():
    spiky = head()
    spiky.flatten()[torch.randperm(spiky.numel())[:500]] = 1e5  # one voxel in 200
    assert reference_intensity(spiky).item() == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("level", [5, 15, 30])
def test_reference_hardly_depends_on_noise(level):
    assert reference_intensity(noisy(head(), level / 100)).item() == pytest.approx(1, rel=0.25)


@pytest.mark.parametrize(
    "image, reference",
    [
        (torch.full((1, 9, 9, 9), 7.0), 7),
        (torch.full((1, 8, 8), 0.1), 0.1),
        (torch.zeros(1, 9, 9, 9), 1),
        (torch.full((1, 4, 4, 4), -3.0), 1),
        (torch.zeros(1, 9, 9, 9).index_put((torch.tensor(0),) * 4, torch.tensor(5.0)), 5),
        (torch.ones(1, 1, 1, 1), 1),
    ],
    ids=["constant", "constant slice", "zero", "negative", "one voxel", "one-voxel image"],
)
def test_every_image_has_a_positive_reference(image, reference):
    assert reference_intensity(image).item() == pytest.approx(reference, rel=1e-6)
    assert ScaleToReferenceIntensity()(image).isfinite().all()


IMAGES = {
    "head": 800 * head(),
    "slice": 800 * head(dimensions=2),
    "constant": torch.full((1, 9, 9, 9), 41.3),
    "zero": torch.zeros(1, 9, 9, 9),
    "outlier": (800 * head()).index_put((torch.tensor(0),) * 4, torch.tensor(3e6)),
    "mostly background": torch.nn.functional.pad(800 * head(), (40,) * 6),
    "noisy": noisy(800 * head(), 240),
}


@pytest.mark.parametrize("name", IMAGES)
def test_inverse_restores_the_image(name):
    image = MetaTensor(IMAGES[name].clone(), meta={"filename_or_obj": "a.nii"})
    transform = ScaleToReferenceIntensity()
    out = transform(image)
    assert torch.equal(image.as_tensor(), IMAGES[name]) and "reference" not in image.meta
    assert not image.applied_operations
    assert out.dtype == torch.float32 and out.meta["filename_or_obj"] == "a.nii"
    torch.testing.assert_close((out * out.meta["reference"]).as_tensor(), IMAGES[name], rtol=1e-6, atol=0)
    back = transform.inverse(out)
    assert not back.applied_operations
    torch.testing.assert_close(back.as_tensor(), IMAGES[name], rtol=1e-6, atol=0)


def test_scaling_keeps_zero_and_maps_bright_tissue_to_one():
    out = ScaleToReferenceIntensity()(800 * head())
    assert torch.equal(out == 0, head() == 0)
    assert out.max().item() == pytest.approx(1)


def test_scaling_of_integers_gives_floats():
    image = (800 * head()).numpy().astype(np.int16)
    array, item = (
        ScaleToReferenceIntensity(90)(image),
        ScaleToReferenceIntensityd(["image"], 90)({"image": image, "level": 5}),
    )
    assert array.dtype == torch.float32 and torch.equal(array, item["image"])
    assert item["level"] == 5 and item["image"].meta["reference"] == array.meta["reference"]


def test_each_key_has_its_own_reference():
    item = {"a": 800 * head(), "b": 3 * head()}
    transform = ScaleToReferenceIntensityd(["a", "b", "absent"], allow_missing_keys=True)
    out = transform(item)
    torch.testing.assert_close(out["a"], out["b"], rtol=1e-6, atol=0, check_device=False)
    back = transform.inverse(out)
    for key in item:
        torch.testing.assert_close(back[key].as_tensor(), item[key], rtol=1e-6, atol=0)


@pytest.mark.parametrize("lazy", [True, False])
def test_invertd_restores_units_and_geometry(lazy):
    affine = torch.tensor([[0.0, 1.5, 0, 5], [-1.5, 0, 0, -3], [0, 0, 1.5, 7], [0, 0, 0, 1]], dtype=torch.float64)
    image = MetaTensor((800 * noisy(head(), 0.05))[:, :40, :44], affine=affine)
    before = Compose(
        [
            Orientationd("image", axcodes="RAS"),
            ScaleToReferenceIntensityd("image"),
            Flipd("image", spatial_axis=1),
            RandFlipd("image", prob=1.0, spatial_axis=2),
        ],
        lazy=lazy,
    )
    item = before({"image": image})
    item["pred"] = MetaTensor(item["image"].as_tensor().clone())  # what an identity network returns
    invert = Invertd("pred", transform=before, orig_keys="image", nearest_interp=False, to_tensor=True)
    pred = invert(item)["pred"]
    assert torch.equal(pred.affine, image.affine)
    torch.testing.assert_close(pred.as_tensor(), image.as_tensor(), rtol=1e-6, atol=0)


def test_invertd_works_after_a_loader_with_workers(tmp_path):
    scan = MetaTensor((800 * noisy(head(24), 0.05))[0], affine=torch.diag(torch.tensor([2.0, 1.5, 3.0, 1.0])).double())
    SaveImaged("image", output_dir=tmp_path, separate_folder=False, output_postfix="", print_log=False)(
        {"image": MetaTensor(scan[None], meta={"filename_or_obj": "scan.nii"})}
    )
    before = Compose(
        [
            LoadImaged("image"),
            EnsureChannelFirstd("image"),
            CropForegroundd("image", source_key="image", allow_smaller=True),
            ScaleToReferenceIntensityd("image"),
            RandRiciand("image", levels=[10], prob=0.0),
        ]
    )
    (batch,) = DataLoader(Dataset([{"image": tmp_path / "scan.nii.gz"}], before), num_workers=1)
    assert batch["image"].max() < 2
    batch["pred"] = batch["image"].clone()
    invert = Invertd("pred", transform=before, orig_keys="image", nearest_interp=False)
    (item,) = [invert(i) for i in decollate_batch(batch)]
    torch.testing.assert_close(item["pred"].as_tensor()[0], scan.as_tensor(), rtol=1e-6, atol=0)


def test_inverse_of_resampling_is_in_scanner_units():
    image = MetaTensor(torch.full((1, 20, 20, 20), 700.0))
    before = Compose([Spacingd("image", pixdim=(2.0, 2.0, 2.0)), ScaleToReferenceIntensityd("image")], lazy=True)
    item = before({"image": image})
    assert item["image"].shape == (1, 10, 10, 10) or item["image"].shape == (1, 11, 11, 11)
    back = before.inverse(item)["image"]
    assert back.shape == image.shape
    torch.testing.assert_close(back.as_tensor(), image.as_tensor(), rtol=1e-5, atol=0)


def test_impossible_percentile_is_refused():
    with pytest.raises(ValueError, match="between 0 and 100, got 120"):
        ScaleToReferenceIntensityd("image", 120)


@pytest.mark.parametrize("constant", [1.0, 50.0, 1e6])
def test_reference_is_that_of_tissue_in_any_constant_background(constant):
    scan = noisy(head(), 0.05)
    scan[:, :, :6] = 0
    bright = scan.clone()
    bright[:, :, :6] = constant
    assert reference_intensity(bright).item() == pytest.approx(reference_intensity(scan).item(), rel=1e-5)
