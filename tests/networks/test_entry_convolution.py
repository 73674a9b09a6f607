"""The first convolution equals a plain one in float32, values and gradients, and stays precise in bfloat16."""

import pytest
import torch

from monai_unsup_denoise.networks.entry_convolution import EntryConv2d, EntryConv3d

CASES = [(EntryConv2d, torch.nn.Conv2d, (2, 5, 12, 11)), (EntryConv3d, torch.nn.Conv3d, (1, 1, 9, 8, 10))]


@pytest.fixture(params=CASES, ids=["2-D", "3-D"])
def pair(request):
    """The layer, a plain one with the same weights, and an image far brighter than its detail."""
    torch.manual_seed(0)
    ours, plain, shape = request.param
    entry, plain = (layer(shape[1], 6, kernel_size=3, padding=1) for layer in (ours, plain))
    plain.load_state_dict(entry.state_dict())
    return entry, plain, 10 + torch.rand(shape)


def test_entry_convolution_equals_a_plain_one_in_float32(pair):
    entry, plain, image = pair
    torch.testing.assert_close(entry(image), plain(image), rtol=1e-5, atol=1e-5)


def test_gradients_equal_those_of_a_plain_one(pair):
    entry, plain, image = pair
    gradients = []
    for layer in (entry, plain):
        seen = image.clone().requires_grad_(True)
        layer(seen).square().sum().backward()
        gradients.append([seen.grad, layer.weight.grad, layer.bias.grad])
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-3)


def test_entry_convolution_is_precise_in_bfloat16(pair):
    """But for the rounding of the result: compared where detail of 0.1 % changes the sum of one feature."""
    entry, plain, image = pair
    for layer in (entry, plain):
        layer.weight.data -= layer.weight.data.mean(dim=tuple(range(1, layer.weight.dim())), keepdim=True)
    exact = torch.nn.functional.pad(plain(image), [-1] * 2 * (image.dim() - 2))
    error = {}
    for name, layer in (("entry", entry), ("plain", plain)):
        with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
            inner = torch.nn.functional.pad(layer(image), [-1] * 2 * (image.dim() - 2))
        error[name] = float((inner.float() - exact).square().mean().sqrt())
    assert error["entry"] < 0.2 * error["plain"]
    assert error["entry"] < 0.01 * float(exact.std())
