"""Equation (2): the divergence and the sample of the noise code."""

import torch
from torch.distributions import Normal
from torch.distributions import kl_divergence as reference

from monai_unsup_denoise.losses.kl_divergence import kl_divergence, sample_code


def test_the_divergence_is_that_of_torch():
    mean, log_variance = torch.randn(5, 3), torch.randn(5, 3)
    expected = reference(Normal(mean, log_variance.div(2).exp()), Normal(0.0, 1.0)).sum(dim=1).mean()
    torch.testing.assert_close(kl_divergence(mean, log_variance), expected)


def test_the_divergence_of_a_standard_normal_is_zero():
    assert kl_divergence(torch.zeros(4, 2), torch.zeros(4, 2)).item() == 0


def test_the_divergence_is_computed_in_single_precision():
    mean, log_variance = torch.randn(5, 3).bfloat16(), torch.randn(5, 3).bfloat16()
    out = kl_divergence(mean, log_variance)
    assert out.dtype == torch.float32
    torch.testing.assert_close(out, kl_divergence(mean.float(), log_variance.float()))


def test_a_sampled_code_has_the_mean_and_variance_given():
    mean, log_variance = torch.tensor([[0.5, -2.0]]), torch.tensor([[0.0, -3.0]])
    codes = sample_code(mean.expand(100_000, -1), log_variance.expand(100_000, -1))
    torch.testing.assert_close(codes.mean(0), mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(codes.var(0), log_variance[0].exp(), rtol=0.03, atol=0)
    assert abs(torch.corrcoef(codes.T)[0, 1]) < 0.02


def test_the_sample_carries_gradients_to_mean_and_log_variance():
    mean, log_variance = torch.zeros(1000, 1, requires_grad=True), torch.zeros(1000, 1, requires_grad=True)
    code = sample_code(mean, log_variance)
    code.sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones_like(mean))
    torch.testing.assert_close(log_variance.grad, 0.5 * code.detach())
