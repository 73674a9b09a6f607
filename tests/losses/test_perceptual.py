"""The distance in the features of a pretrained classifier."""

import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.weights import load_weights
from monai_unsup_denoise.losses import TissuePerceptualLoss
from monai_unsup_denoise.networks import TissueClassifier


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "tissue.pt"
    torch.save(TissueClassifier(3, channels=(4, 6)).state_dict(), path)
    return path


def loss_of(path, *, layer=1):
    classifier = load_weights(TissueClassifier(3, channels=(4, 6)), path, source="train it")
    return TissuePerceptualLoss(classifier, layer=layer)


def test_equal_images_have_no_distance_and_others_have(weights):
    image = torch.rand(2, 3, 16, 16)
    loss = loss_of(weights)
    assert loss(image, image.clone()).item() == 0
    assert loss(image, image.flip(-1)).item() > 0


@pytest.mark.parametrize("layer", [0, 1])
def test_the_loss_is_the_squared_difference_of_one_layer(weights, layer):
    classifier = TissueClassifier(3, channels=(4, 6))
    classifier.load_state_dict(torch.load(weights))
    first, second = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    expected = (classifier.features(first)[layer] - classifier.features(second)[layer]).square().mean()
    torch.testing.assert_close(loss_of(weights, layer=layer)(first, second), expected)


def test_slices_of_a_slab_are_compared_one_by_one(weights):
    first, second = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    loss = loss_of(weights)
    expected = torch.stack([loss(first[:, i : i + 1], second[:, i : i + 1]) for i in range(3)]).mean()
    torch.testing.assert_close(loss(first, second), expected)


def test_a_volume_is_compared_slice_by_slice_on_its_last_axis(weights):
    first, second = torch.rand(2, 1, 16, 12, 4), torch.rand(2, 1, 16, 12, 4)
    loss = loss_of(weights)
    expected = torch.stack([loss(first[..., i], second[..., i]) for i in range(4)]).mean()
    torch.testing.assert_close(loss(first, second), expected)


def test_the_classifier_is_frozen_and_the_image_gets_gradients(weights):
    image = torch.rand(1, 1, 16, 16, requires_grad=True)
    loss = loss_of(weights)
    loss(image, torch.rand(1, 1, 16, 16)).backward()
    assert image.grad.abs().sum() > 0
    assert all(not p.requires_grad and p.grad is None for p in loss.parameters())
    assert not loss.classifier.training


def test_missing_weights_are_named_with_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pt: no such file; train it or"):
        loss_of(tmp_path / "nowhere.pt")


def test_weights_that_do_not_fit_are_named_in_one_line(tmp_path, weights):
    torch.save(TissueClassifier(3, channels=(4, 8)).state_dict(), tmp_path / "other.pt")
    (tmp_path / "damaged.pt").write_bytes(weights.read_bytes()[:1000])
    for name, reason in (("other.pt", "weights of another network"), ("damaged.pt", "a damaged one")):
        with pytest.raises(InputError, match=rf"{name}: .*{reason}") as caught:
            loss_of(tmp_path / name)
        assert "\n" not in str(caught.value)
