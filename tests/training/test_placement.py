"""The networks of a training, and those of an earlier one that it starts from."""

import pytest
import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.training import place_networks


def groups(width=3):
    """Of two networks with new random weights."""
    return [{"one": nn.Linear(2, width)}, {"two": nn.Linear(2, 1)}]


@pytest.fixture
def earlier(tmp_path):
    """The networks of an earlier training, which has left two checkpoints."""
    networks = place_networks(groups(), "cpu")
    for epoch in (1, 2):
        nn.init.constant_(networks["one"].weight, epoch)
        state = {"trainer": {"epoch_length": 5, "iteration": 5 * epoch}, "networks": networks.state_dict()}
        path = tmp_path / "20260101-120000-ffffff" / f"checkpoint_epoch={epoch}.pt"
        path.parent.mkdir(exist_ok=True)
        torch.save(state, path)
    return networks, path


@pytest.mark.parametrize("of_folder", [False, True])
def test_networks_start_from_the_last_checkpoint(earlier, tmp_path, of_folder):
    networks, path = earlier
    found = place_networks(groups(), "cpu", start_from=tmp_path if of_folder else path)
    for name, value in networks.state_dict().items():
        torch.testing.assert_close(found.state_dict()[name], value)


def test_networks_are_new_without_one():
    assert not torch.equal(place_networks(groups(), "cpu")["one"].weight, place_networks(groups(), "cpu")["one"].weight)


def test_other_networks_are_refused(earlier):
    with pytest.raises(InputError, match=r"start_from .*epoch=2\.pt: a training of other networks"):
        place_networks(groups(width=4), "cpu", start_from=earlier[1])


def test_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such checkpoint"):
        place_networks(groups(), "cpu", start_from=tmp_path / "x.pt")
