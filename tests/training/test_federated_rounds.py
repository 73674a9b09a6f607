"""Weights that came over the network."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training import load_received


@pytest.fixture
def networks():
    return nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 1)})


def received(networks: nn.Module) -> dict[str, np.ndarray]:
    return {name: np.full(value.shape, 0.5, dtype=np.float32) for name, value in networks.state_dict().items()}


def test_received_weights_replace_all_weights(networks):
    load_received(networks, received(networks))
    assert all((parameter == 0.5).all() for parameter in networks.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("b.bias"), "b.bias is not in both models"),
        (lambda weights: weights.update({"c.bias": np.zeros(1)}), "c.bias is not in both models"),
        (lambda weights: weights.update({"b.weight": np.zeros((2, 2))}), r"b.weight is \(2, 2\), here \(1, 2\)"),
        (lambda weights: weights.update({"b.bias": np.array([np.nan])}), "b.bias is not finite"),
    ],
)
def test_wrong_weights_are_refused_and_change_nothing(networks, change, message):
    before = {name: value.clone() for name, value in networks.state_dict().items()}
    weights = received(networks)
    change(weights)
    with pytest.raises(InputError, match=message):
        load_received(networks, weights)
    assert all(torch.equal(value, before[name]) for name, value in networks.state_dict().items())


def test_the_rounds_take_the_place_of_the_validation():
    configs = bundle_folder() / "configs"
    [key] = [key for key in json.loads((configs / "train_federated.json").read_text()) if "handlers" in key]
    handlers = json.loads((configs / "train.json").read_text())["train"]["handlers"]
    assert key == f"train#handlers#{[handler.get('_target_') for handler in handlers].index('ValidationHandler')}"
