"""Convolutions with a ReLU or a sum compute the same in one pass as in two."""

from __future__ import annotations

import pytest
import torch

from monai_unsup_denoise.networks.convolution import convolve, convolve_add, convolve_relu
from tests.small_networks import small_denoiser


@pytest.fixture(params=[2, 3], ids=["2d", "3d"])
def operands(request: pytest.FixtureRequest) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    sides = [9] * request.param
    x, addend = torch.randn(2, 1, 16, *sides, generator=generator)
    weight = torch.randn(16, 16, *[3] * request.param, generator=generator) / 16
    return x, weight, torch.randn(16, generator=generator), addend


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 0.04)])
def test_fused_equals_unfused(operands: tuple, dtype: torch.dtype, tolerance: float) -> None:
    x, weight, bias, addend = operands
    expected = convolve(x, weight, bias)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        x, addend = x.to(dtype), addend.to(dtype)
        rectified = convolve_relu(x, weight, bias)
        summed = convolve_add(x, weight, bias, addend.clone())
    assert rectified.dtype == summed.dtype == dtype
    torch.testing.assert_close(rectified.float(), expected.relu(), rtol=0, atol=tolerance)
    torch.testing.assert_close(summed.float(), expected + addend.float(), rtol=0, atol=tolerance)


def test_one_pass_is_taken_only_without_gradients(operands: tuple) -> None:
    x, weight, bias, addend = operands
    weight.requires_grad_()
    kept = addend.clone()
    for with_gradients in (True, False):
        with torch.set_grad_enabled(with_gradients), torch.profiler.profile() as profile:
            convolve_add(convolve_relu(x, weight, bias), weight, bias, addend)
        fused = [event for event in profile.events() if event.name.startswith("mkldnn::_convolution_pointwise")]
        assert len(fused) == (0 if with_gradients else 2)
        assert torch.equal(addend, kept) == with_gradients


def test_generator_leaves_the_content_as_it_is() -> None:
    network = small_denoiser()
    with torch.no_grad():
        content = network.content_encoder(torch.rand(1, 1, 16, 16, 16))
        before = [features.clone() for features in content]
        network.generator(content, torch.zeros(1, 5))
    assert all(torch.equal(now, then) for now, then in zip(content, before, strict=True))
