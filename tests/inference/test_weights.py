"""Weights fit the network, or the error says what is wrong with which file."""

import pytest
import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.weights import load_weights


@pytest.fixture
def network():
    return nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))


def saved(content, path):
    torch.save(content, path)
    return path


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"model": state}], ids=["bare", "under model"])
def test_weights_are_loaded_into_the_network_itself(network, tmp_path, wrap):
    other = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    assert load_weights(network, saved(wrap(other.state_dict()), tmp_path / "model.pt")) is network
    for name, value in other.state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


def test_without_a_path_the_network_is_unchanged(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert load_weights(network, None) is network
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def a_text(path):
    path.write_text("these are not weights\n")


def truncated(path):
    torch.save({"weight": torch.rand(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


def one_wrong_bit(path):
    torch.save({"weight": torch.rand(1000)}, path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def empty(path):
    path.touch()


def a_folder(path):
    path.mkdir()


def code(path):
    torch.save(nn.Linear(2, 1), path)


def random_bytes(path):
    path.write_bytes(bytes(torch.randint(0, 256, (500,)).tolist()))


def a_compressed_image(path):
    path.write_bytes(b"\x1f\x8b\x08" + bytes(100))


@pytest.mark.parametrize(
    "make", [a_text, truncated, one_wrong_bit, empty, a_folder, code, random_bytes, a_compressed_image]
)
def test_what_is_no_file_of_weights_is_an_error_that_names_it(network, tmp_path, make):
    make(tmp_path / "model.pt")
    with pytest.raises(InputError, match=r"model\.pt: not a PyTorch file of weights, or a damaged one"):
        load_weights(network, tmp_path / "model.pt")


def test_missing_file_says_where_weights_come_from(network, tmp_path):
    with pytest.raises(InputError, match=r"gone\.pt: no such file; train a model first"):
        load_weights(network, tmp_path / "gone.pt")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {"epoch": 3}, {"trainer": {}, "networks": {}}])
def test_what_holds_no_state_dictionary_is_an_error(network, tmp_path, content):
    with pytest.raises(InputError, match=r"model\.pt: holds no state dictionary"):
        load_weights(network, saved(content, tmp_path / "model.pt"))


@pytest.mark.parametrize(
    "change, count, first",
    [
        (lambda state: state.pop("1.weight"), 1, "1.weight"),
        (lambda state: state.update(extra=torch.zeros(1)), 1, "extra"),
        (lambda state: state.update({"0.bias": torch.zeros(5), "1.bias": torch.zeros(5)}), 2, "0.bias"),
    ],
    ids=["missing", "unknown", "other shape"],
)
def test_weights_of_another_network_leave_it_unchanged(network, tmp_path, change, count, first):
    state = {name: value + 1 for name, value in network.state_dict().items()}
    change(state)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match=rf"weights of another network \({count} of 4 do not match, first '{first}'\)"):
        load_weights(network, saved(state, tmp_path / "model.pt"))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_every_error_is_one_line(network, tmp_path):
    truncated(tmp_path / "model.pt")
    with pytest.raises(InputError) as caught:
        load_weights(network, tmp_path / "model.pt")
    assert "\n" not in str(caught.value)
