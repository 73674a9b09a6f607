"""What Muon orthogonalises, and that its step, built as in the training's config, is one."""

import json
import math

import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.networks import RicianGenerator
from monai_unsup_denoise.training.parameter_groups import muon_groups
from tests.small_networks import small_denoiser

RATE = 0.01


@pytest.fixture
def networks() -> torch.nn.ModuleDict:
    """What the generators' optimizer is given: the denoiser, and a generator that shares its noise level."""
    denoiser = small_denoiser(trained=False)
    return torch.nn.ModuleDict({"denoiser": denoiser, "generator_low": RicianGenerator(denoiser.noise_level)})


@pytest.fixture
def make_optimizer(repository):
    """Makes the optimizer of the generators as train.json says, for another network and learning rate."""
    config = json.loads((repository / "bundles" / "brain_mri_denoise" / "configs" / "train.json").read_text())

    def make(network: torch.nn.Module) -> torch.optim.Optimizer:
        parser = ConfigParser({"learning_rate": RATE, "made": config["train"]["optimizers"]["generator"]})
        parser["generators"] = network
        return parser.get_parsed_content("made")

    return make


def two_layers(memory_format: torch.memory_format = torch.contiguous_format) -> torch.nn.Sequential:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv3d(4, 6, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv3d(6, 4, 2, stride=2)
    ).to(memory_format=memory_format)


def step_of(network: torch.nn.Module, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    """By how much each parameter is moved by one step."""
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return {name: parameter.detach() - before[name] for name, parameter in network.named_parameters()}


def uneven_loss(network: torch.nn.Module) -> torch.Tensor:
    """A regression in which some channels count a hundred times as much as others."""
    torch.manual_seed(1)
    weight = torch.logspace(0, -2, 4).view(1, 4, 1, 1, 1)
    image = torch.randn(2, 4, 8, 8, 8) * weight
    target = torch.randn(2, 4, 4, 4, 4)
    return ((network(image) - target).square() * weight).mean()


def test_every_parameter_is_in_one_group_and_in_one_only(networks):
    grouped = [parameter for group in muon_groups(networks) for parameter in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, networks.parameters()))


def test_only_kernels_between_channels_are_orthogonalised(networks):
    kernels, rest = muon_groups(networks)
    assert kernels["use_muon"] is True and rest["use_muon"] is False
    names = {id(parameter): name.removeprefix("denoiser.") for name, parameter in networks.named_parameters()}
    chosen, others = ({names[id(parameter)] for parameter in group["params"]} for group in (kernels, rest))
    assert "content_encoder.scales.0.1.first.weight" in chosen  # a convolution
    assert "content_encoder.scales.1.0.weight" in chosen  # half as large
    assert "generator.upsample.0.weight" in chosen  # and back
    assert "content_encoder.scales.0.0.weight" in others  # from the image
    assert "generator.head.weight" in others  # to the image
    assert "generator.bottom.blocks.0.modulation.weight" in others
    assert {"noise_encoder.body.2.weight", "noise_encoder.second.0.weight"} <= chosen
    assert {name for name in names.values() if name.endswith("bias")} <= others


@pytest.mark.parametrize("layer, unevenness", [(0, 1.5), (2, 50)])
def test_a_step_moves_a_kernel_by_an_orthogonal_matrix(make_optimizer, layer, unevenness):
    network = two_layers()
    moved = step_of(network, make_optimizer(network), uneven_loss(network))
    kernel = network[layer].weight
    gradient, step = (torch.linalg.svdvals(x.flatten(1)) for x in (kernel.grad, moved[f"{layer}.weight"]))
    assert gradient[0] > unevenness * gradient[-1]
    size = RATE * 0.2 * math.sqrt(max(kernel.flatten(1).shape))  # so that an element moves as far as with AdamW
    assert (step > 0.65 * size).all() and (step < 1.2 * size).all()  # as even as five Newton-Schulz steps make it


def test_a_step_goes_downhill_and_biases_move_as_in_adam(make_optimizer):
    network = two_layers()
    gradients = torch.autograd.grad(uneven_loss(network), list(network.parameters()))
    moved = step_of(network, make_optimizer(network), uneven_loss(network))
    for (name, step), gradient in zip(moved.items(), gradients, strict=True):
        assert (step * gradient).sum() < 0, name
        if name.endswith("bias"):
            torch.testing.assert_close(step, -RATE * gradient.sign(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d], ids=str)
def test_steps_lower_the_loss(make_optimizer, memory_format):
    network = two_layers(memory_format)
    optimizer = make_optimizer(network)
    start = uneven_loss(network).item()
    for _ in range(20):
        step_of(network, optimizer, uneven_loss(network))
    assert uneven_loss(network).item() < 0.8 * start


def test_the_order_in_memory_changes_no_step(make_optimizer):
    plain, last = two_layers(), two_layers(torch.channels_last_3d)
    assert not last[0].weight.is_contiguous()
    one, other = (step_of(network, make_optimizer(network), uneven_loss(network)) for network in (plain, last))
    for name in one:
        torch.testing.assert_close(other[name], one[name], rtol=0, atol=0.05 * one[name].abs().max().item())
    assert last[0].weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_a_step_moves_every_parameter_with_a_gradient(networks, make_optimizer):
    optimizer = make_optimizer(networks)
    image = torch.rand(2, 1, 16, 16, 16)
    torch.nn.init.normal_(networks["denoiser"].generator.head.weight)
    moved = step_of(networks, optimizer, networks["denoiser"](image).square().mean())
    assert all(step.isfinite().all() for step in moved.values())
    for name, parameter in networks.named_parameters():
        touched = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert bool(moved[name].abs().sum() > 0) == touched, name
