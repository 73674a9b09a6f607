"""The moving average of the weights."""

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_unsup_denoise.inference.weights import load_weights
from monai_unsup_denoise.training.weight_average import WeightAverage


def random_walk(network: nn.Module, steps: int):
    """Give the network new weights ``steps`` times; yields them."""
    for _ in range(steps):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(torch.randn_like(parameter))
        yield network.weight.detach().clone()


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.99])
def test_the_average_has_a_short_memory_at_the_start(decay):
    network = nn.Linear(3, 2)
    average = WeightAverage(network, decay)
    expected = None
    for count, weight in enumerate(random_walk(network, 40)):
        average.update_parameters(network)
        kept = min(decay, (1 + count) / (10 + count))
        expected = weight if expected is None else kept * expected + (1 - kept) * weight
        torch.testing.assert_close(average.module.weight, expected)


def test_attached_it_follows_the_network_after_every_iteration():
    network = nn.Linear(3, 2)
    average, by_hand = WeightAverage(network, 0.5), WeightAverage(network, 0.5)
    walk = random_walk(network, 6)
    engine = Engine(lambda *_: next(walk))
    average.attach(engine)
    engine.run(range(3), max_epochs=2)
    torch.manual_seed(0)
    network.reset_parameters()  # as in the first line
    torch.manual_seed(0)
    nn.Linear(3, 2)
    for _ in random_walk(network, 6):
        by_hand.update_parameters(network)
    torch.testing.assert_close(average.module.weight, by_hand.module.weight)


def test_the_network_stays_and_buffers_are_copied():
    network = nn.BatchNorm1d(2)
    network.running_mean.fill_(3.0)
    average = WeightAverage(network, 0.9)
    network.running_mean.fill_(7.0)
    average.update_parameters(network)
    average.module.weight.data.fill_(-1.0)
    assert network.weight.tolist() == [1.0, 1.0]
    assert average.module.running_mean.tolist() == [7.0, 7.0]


def test_a_restored_average_continues_as_if_never_stopped():
    network = nn.Linear(3, 2)
    whole, half = WeightAverage(network, 0.9), WeightAverage(network, 0.9)
    for count, _ in enumerate(random_walk(network, 10)):
        if count == 5:
            resumed = WeightAverage(nn.Linear(3, 2), 0.9)
            resumed.load_state_dict(half.state_dict())
            half = resumed
        whole.update_parameters(network)
        half.update_parameters(network)
    assert torch.equal(half.module.weight, whole.module.weight)


def test_the_module_has_just_the_names_of_the_network(tmp_path):
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    average = WeightAverage(network, 0.9)
    assert set(average.module.state_dict()) == set(network.state_dict())
    assert set(average.state_dict()) == {"n_averaged", *(f"module.{name}" for name in network.state_dict())}
    torch.save(average.module.state_dict(), tmp_path / "model.pt")
    load_weights(network, tmp_path / "model.pt")


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_outside_its_range_is_an_error(decay):
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\)"):
        WeightAverage(nn.Linear(1, 1), decay)
