"""The transforms denoise as `denoise` does, and fit into the pipelines of MONAI."""

import copy
import json
import pickle
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import CacheDataset, DataLoader, Dataset, MetaTensor, list_data_collate
from monai.transforms import Compose, EnsureChannelFirstd, LoadImage, LoadImaged, Orientationd

from monai_unsup_denoise import DenoiseMRI, DenoiseMRId, InputError, denoise
from tests.inference.test_denoise_any import FAST, series

__all__ = ["series"]


def pipeline(model: Path, **options: object) -> Compose:
    return Compose(
        [LoadImaged("image"), EnsureChannelFirstd("image"), DenoiseMRId("image", model=model, **options)], lazy=False
    )


@pytest.mark.parametrize("kind", ["array", "tensor", "MetaTensor"])
def test_channel_is_denoised_by_itself(kind, scan, volume, smoothing):
    noisier = volume + 100 * np.random.default_rng(1).random(volume.shape, dtype=np.float32)
    image = np.stack([volume, noisier])
    image = {"array": image, "tensor": torch.from_numpy(image), "MetaTensor": MetaTensor(image, meta={"a": 1})}[kind]
    if kind == "MetaTensor":
        image.push_applied_operation({"class": "Something"})
    clean = DenoiseMRI(model=smoothing, **FAST)(image)
    assert type(clean) is type(image) and clean.shape == image.shape
    np.testing.assert_array_equal(clean[0], denoise(volume, model=smoothing, **FAST))
    np.testing.assert_array_equal(clean[1], denoise(noisier, model=smoothing, **FAST))
    if kind == "MetaTensor":
        assert clean.meta["a"] == 1 and clean.applied_operations == image.applied_operations != []


@pytest.mark.parametrize("shape", [(18, 17, 6), (1, 18, 17, 6), (1, 18, 17)])
def test_image_of_one_channel_is_that_of_denoise(shape, volume, smoothing):
    image = torch.from_numpy(volume[..., 3] if len(shape) == 3 and shape[0] == 1 else volume).reshape(shape)
    torch.testing.assert_close(
        DenoiseMRI(model=smoothing, **FAST)(image), denoise(image, model=smoothing, **FAST), rtol=0, atol=0
    )


def test_channels_of_a_series_share_one_estimate(series, smoothing):
    image = LoadImage(ensure_channel_first=True)(str(series))
    clean = DenoiseMRI(series=True, model=smoothing, **FAST)(image)
    expected = denoise(series, model=smoothing, **FAST).get_fdata(dtype=np.float32)
    np.testing.assert_array_equal(np.moveaxis(clean.numpy(), 0, -1), expected)
    assert np.abs(DenoiseMRI(model=smoothing, **FAST)(image) - clean).max() > 0
    item = DenoiseMRId("image", series=True, model=smoothing, **FAST)({"image": image})
    torch.testing.assert_close(item["image"], clean, rtol=0, atol=0)


def test_metadata_stay_and_steps_before_can_be_undone(scan, smoothing):
    steps = [LoadImaged("image"), EnsureChannelFirstd("image"), Orientationd("image", axcodes="LPI", labels=None)]
    before, after = Compose(steps), Compose([*steps, DenoiseMRId("image", model=smoothing, **FAST)])
    turned, clean = before({"image": str(scan)}), after({"image": str(scan)})
    assert clean["image"].meta["filename_or_obj"] == str(scan)
    classes = [[step["class"] for step in item["image"].applied_operations] for item in (clean, turned)]
    assert classes == [["Orientation"]] * 2
    torch.testing.assert_close(clean["image"].affine, turned["image"].affine)
    undone = after.inverse(clean)["image"]
    expected = denoise(np.ascontiguousarray(nibabel.load(scan).get_fdata()[::-1, ::-1, ::-1]), model=smoothing, **FAST)
    np.testing.assert_allclose(undone[0], expected[::-1, ::-1, ::-1], rtol=1e-5)


def test_keys_and_missing_keys_are_as_in_monai(volume, smoothing):
    item = {"image": volume[None], "label": volume[None], "name": "x"}
    clean = DenoiseMRId(["image", "other"], allow_missing_keys=True, model=smoothing, **FAST)(item)
    assert clean.keys() == item.keys() and clean["label"] is item["label"]
    np.testing.assert_array_equal(clean["image"][0], denoise(volume, model=smoothing, **FAST))
    np.testing.assert_array_equal(item["image"][0], volume)
    with pytest.raises(KeyError, match="other"):
        DenoiseMRId(["image", "other"], model=smoothing, **FAST)(item)


def test_copies_and_pickles_hold_no_weights(volume, smoothing):
    transform = DenoiseMRId("image", model=smoothing, strength=0.8, **FAST)
    clean = transform({"image": volume})["image"]
    content = pickle.dumps(transform)
    assert len(content) < 2000
    for other in (pickle.loads(content), copy.deepcopy(transform)):
        np.testing.assert_array_equal(other({"image": volume})["image"], clean)


@pytest.mark.parametrize("start", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_workers_of_a_loader_denoise(start, scan, volume, smoothing):
    expected = denoise(volume, model=smoothing, **FAST)  # the weights are loaded here before the workers start
    dataset = Dataset([{"image": str(scan)}] * 3, pipeline(smoothing, **FAST))
    loader = DataLoader(dataset, batch_size=1, num_workers=2, multiprocessing_context=start)
    batches = [batch["image"] for batch in loader]
    assert len(batches) == 3
    for batch in batches:
        assert isinstance(batch, MetaTensor) and batch.meta["filename_or_obj"] == [str(scan)]
        np.testing.assert_array_equal(batch[0, 0], expected)


def test_config_in_json_makes_the_transform(tmp_path, volume, smoothing):
    content = {
        "_target_": "monai_unsup_denoise.DenoiseMRId",
        "keys": "image",
        "strength": 0.5,
        "model": str(smoothing),
        **FAST,
    }
    (tmp_path / "config.json").write_text(
        json.dumps({"preprocessing": {"_target_": "Compose", "transforms": [content]}})
    )
    parser = ConfigParser()
    parser.read_config(str(tmp_path / "config.json"))
    clean = parser.get_parsed_content("preprocessing")({"image": volume})["image"]
    np.testing.assert_array_equal(clean, denoise(volume, strength=0.5, model=smoothing, **FAST))


def test_caching_dataset_keeps_the_result(scan, smoothing):
    dataset = CacheDataset([{"image": str(scan)}], pipeline(smoothing, **FAST), progress=False)
    scan.unlink()
    assert list_data_collate([dataset[0], dataset[0]])["image"].shape == (2, 1, 18, 17, 6)


def test_message_names_the_key_or_the_file(scan, volume, identity):
    volume[5, 5, 2] = np.nan
    with pytest.raises(InputError, match=r"^key 't1' \(shape .*NaN"):
        DenoiseMRId("t1", model=identity)({"t1": np.stack([volume, volume])})
    with pytest.raises(InputError, match=r"^key 't1' \(shape .*NaN"):
        DenoiseMRId("t1", model=identity)({"t1": MetaTensor(np.stack([volume, volume]))})
    image = MetaTensor(np.stack([volume, volume]), meta={"filename_or_obj": str(scan)})
    with pytest.raises(InputError, match=rf"^{scan} \(shape .*NaN"):
        DenoiseMRId("t1", model=identity)({"t1": image})


def test_wrong_option_is_refused_before_the_first_image():
    with pytest.raises(InputError, match="strength: 2 is out of range"):
        DenoiseMRI(strength=2)
    with pytest.raises(InputError, match="sigma: 0 is out of range"):
        DenoiseMRI(sigma=0)
    with pytest.raises(TypeError, match="DenoiseMRI has no option 'jobs'"):
        DenoiseMRId("image", jobs=2)
