"""What the two inferers of volumes have in common."""

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch

from monai_unsup_denoise.inference import DenoiseSettings, SlabInferer, VolumeInferer
from monai_unsup_denoise.inference.whole_volume import WholeVolumeInferer
from tests.inference.toy_networks import Unaware

PLAIN = DenoiseSettings(varying_noise=False, refine=False)
INFERERS = {"tiles": VolumeInferer(20_000, settings=PLAIN), "slabs": SlabInferer(3)}


class Shifted(Unaware):
    """Takes one from every voxel."""

    def __call__(self, image, code, mean_code=None):
        return image - 1.0


@pytest.fixture(params=INFERERS.values(), ids=INFERERS)
def inferer(request) -> WholeVolumeInferer:
    return request.param


def test_metadata_of_every_volume_is_kept(inferer):
    affines = [torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0])) * factor for factor in (1, 2)]
    items = [
        {"image": MetaTensor(torch.rand(1, 4, 4, 5), affine=affine, meta={"filename_or_obj": f"{index}.nii"})}
        for index, affine in enumerate(affines)
    ]
    (batch,) = DataLoader(Dataset(items), batch_size=2)
    out = inferer(batch["image"], Unaware())
    assert isinstance(out, MetaTensor)
    for volume, item in zip(decollate_batch(out), items, strict=True):
        torch.testing.assert_close(volume.affine, item["image"].affine)
        assert volume.meta["filename_or_obj"] == item["image"].meta["filename_or_obj"]
        torch.testing.assert_close(volume.as_tensor(), item["image"].as_tensor())


def test_plain_tensor_stays_plain_and_unchanged(inferer):
    volume = torch.rand(1, 1, 20, 4, 5)
    before = volume.clone()
    assert type(inferer(volume, Shifted())) is torch.Tensor
    assert torch.equal(volume, before)


@pytest.mark.parametrize("shape", [(1, 2, 8, 8, 8), (1, 8, 8, 8), (8, 8, 8)])
def test_other_shapes_are_an_error(inferer, shape):
    with pytest.raises(ValueError, match=r"\(B, 1, H, W, D\) expected"):
        inferer(torch.rand(shape), Unaware())
