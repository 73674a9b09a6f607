"""Rician mathematics against scipy.stats.rice and the identities that define it."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import ncx2, rice

from monai_unsup_denoise.functional import (
    add_rician_noise,
    rician_log_density,
    rician_mean,
    rician_variance,
)
from monai_unsup_denoise.functional.noncentral_chi import unit_chi_variance

SNR = torch.tensor([0.0, 1e-3, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 50.0, 100.0, 1e3, 1e4])
SIGMA = 0.07
MAGNITUDES = 200_000


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 2e-6), (torch.float64, 1e-12)])
def test_log_density_equals_scipy(dtype, tolerance):
    amplitude = (SNR[:, None] * SIGMA).to(dtype)
    m = (amplitude + SIGMA * torch.linspace(-3, 4, 29, dtype=dtype)).clamp(min=0.01 * SIGMA)
    ours = rician_log_density(m, amplitude, SIGMA)
    theirs = rice.logpdf(m.double().numpy(), amplitude.double().numpy() / SIGMA, scale=SIGMA)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours.double().numpy(), theirs, rtol=tolerance, atol=5 * tolerance + 1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_density_and_moments_have_gradients_up_to_snr_10000(
    dtype,
):
    amplitude = (SNR * SIGMA).to(dtype).requires_grad_()
    sigma = torch.full_like(SNR, SIGMA, dtype=dtype).requires_grad_()
    m = (amplitude.detach() + 0.5 * SIGMA).requires_grad_()
    for value in (
        rician_log_density(m, amplitude, sigma),
        rician_mean(amplitude, sigma),
        rician_variance(amplitude, sigma),
    ):
        assert value.isfinite().all()
        gradients = torch.autograd.grad(value.sum(), (amplitude, sigma))
        assert all(gradient.isfinite().all() for gradient in gradients)

    gradient = torch.autograd.grad(rician_log_density(m, amplitude, sigma).sum(), (amplitude, sigma))
    high = (
        SNR >= 1e3
    )  # there the noise is Gaussian: d/dA = (m - A) / sigma^2, d/dsigma = ((m - A)^2 / sigma^2 - 1) / sigma
    d = (m - amplitude).detach()[high]
    torch.testing.assert_close(gradient[0][high], d / SIGMA**2, rtol=3e-3, atol=0)
    torch.testing.assert_close(gradient[1][high], ((d / SIGMA) ** 2 - 1) / SIGMA, rtol=3e-3, atol=0)


def test_density_gradient_equals_a_finite_difference_of_scipy():
    amplitude, m = (
        torch.tensor([0.05, 0.2, 0.6], dtype=torch.float64),
        torch.tensor([0.1, 0.15, 0.62]).double(),
    )
    amplitude.requires_grad_()
    (slope,) = torch.autograd.grad(rician_log_density(m, amplitude, SIGMA).sum(), amplitude)
    a, step = amplitude.detach().numpy(), 1e-6
    above, below = (rice.logpdf(m.numpy(), (a + sign * step) / SIGMA, scale=SIGMA) for sign in (1, -1))
    np.testing.assert_allclose(slope.numpy(), (above - below) / (2 * step), rtol=1e-6)


def test_mean_and_variance_equal_scipy_and_the_gaussian_limit():
    amplitude = SNR * SIGMA
    b = amplitude.double().numpy() / SIGMA
    mean, variance = (
        rician_mean(amplitude, SIGMA).double().numpy(),
        rician_variance(amplitude, SIGMA).double().numpy(),
    )
    low = b <= 10
    np.testing.assert_allclose(mean[low], rice.mean(b[low], scale=SIGMA), rtol=1e-6)
    np.testing.assert_allclose(variance[low], rice.var(b[low], scale=SIGMA), rtol=1e-6)
    high = b[~low]
    np.testing.assert_allclose(mean[~low], SIGMA * (high + 1 / (2 * high)), rtol=1e-6)
    np.testing.assert_allclose(variance[~low], SIGMA**2 * (1 - 1 / (2 * high**2)), rtol=1e-6)


def test_moments_satisfy_their_identities():
    amplitude, zero = (SNR * SIGMA).double(), torch.zeros(1, dtype=torch.float64)
    assert rician_mean(zero, SIGMA).item() == pytest.approx(SIGMA * math.sqrt(math.pi / 2), rel=1e-12)
    assert rician_variance(zero, SIGMA).item() == pytest.approx((2 - math.pi / 2) * SIGMA**2, rel=1e-12)
    second_moment = rician_mean(amplitude, SIGMA) ** 2 + rician_variance(amplitude, SIGMA)
    torch.testing.assert_close(second_moment, amplitude**2 + 2 * SIGMA**2)
    assert rician_mean(torch.tensor([0.3]), 0.0).item() == pytest.approx(0.3)  # no noise


@pytest.mark.parametrize("snr", [0.0, 1.0, 3.0, 20.0])
def test_added_noise_has_the_distribution_of_scipy(snr):
    m = add_rician_noise(torch.full((MAGNITUDES,), snr * SIGMA), SIGMA, generator=seeded()).double()
    assert m.mean().item() == pytest.approx(rice.mean(snr, scale=SIGMA), abs=4 * SIGMA / MAGNITUDES**0.5)
    assert m.square().mean().item() == pytest.approx((snr**2 + 2) * SIGMA**2, rel=0.01)
    for quantile in (0.05, 0.5, 0.95):
        threshold = rice.ppf(quantile, snr, scale=SIGMA)
        assert (m < threshold).double().mean().item() == pytest.approx(quantile, abs=4e-3)


def test_noise_is_replayed_by_its_generator():
    image = torch.rand(2, 1, 8, 9)
    before = image.clone()
    first, again, other = (add_rician_noise(image, 0.1, generator=seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(image, before)
    assert torch.equal(add_rician_noise(image, 0.0), image)


def test_noise_follows_sigma_of_each_sample_and_voxel():
    image = torch.zeros(2, 1, 100, 100)
    sigma = torch.tensor([0.1, 0.3]).reshape(2, 1, 1, 1)
    power = add_rician_noise(image, sigma, generator=seeded()).square().mean(dim=(1, 2, 3))
    torch.testing.assert_close(power, 2 * sigma.flatten() ** 2, rtol=0.05, atol=0)
    ramp = torch.linspace(0.1, 1, 100).expand(1, 1, 100, 100)
    columns = add_rician_noise(image, ramp, generator=seeded()).square().mean(dim=(0, 1, 2))
    assert np.corrcoef(columns, ramp[0, 0, 0] ** 2)[0, 1] > 0.95


def test_noise_has_gradients_where_all_is_zero():
    image, sigma = torch.zeros(4, requires_grad=True), torch.zeros((), requires_grad=True)
    add_rician_noise(image, sigma, generator=seeded()).sum().backward()
    assert image.grad.isfinite().all() and sigma.grad.isfinite()
    sigma = torch.tensor(0.5, requires_grad=True)
    m = add_rician_noise(torch.zeros(1000), sigma, generator=seeded())
    m.sum().backward()
    assert sigma.grad.item() == pytest.approx(m.sum().item() / 0.5, rel=1e-5)  # m ~ sigma in background


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int16])
def test_noise_on_half_precision_and_integers_is_float32(dtype):
    assert add_rician_noise(torch.ones(8, dtype=dtype), 0.1).dtype == torch.float32


@pytest.mark.parametrize("coils", [2, 8, 32])
def test_moments_of_coils_equal_noncentral_chi_squared(coils):
    """Integrals over the density of m^2, noncentral chi-squared with 2 N degrees of freedom."""
    amplitude = torch.tensor([0.0, 0.1, 1.0, 3.0, 10.0, 40.0], dtype=torch.float64)
    for a in amplitude:
        middle = math.sqrt(float(a) ** 2 + 2 * coils)
        m = np.linspace(max(0.0, middle - 8), middle + 8, 20_001)
        density = 2 * m * ncx2.pdf(m**2, 2 * coils, max(float(a) ** 2, 1e-12))
        mean = np.trapezoid(m * density, m)
        variance = np.trapezoid((m - mean) ** 2 * density, m)
        assert rician_mean(SIGMA * a, SIGMA, coils=coils).item() == pytest.approx(SIGMA * mean, rel=1e-6)
        assert rician_variance(SIGMA * a, SIGMA, coils=coils).item() == pytest.approx(SIGMA**2 * variance, rel=1e-5)


def test_moments_of_one_coil_are_the_limit_of_the_table():
    square = torch.linspace(0, 10, 101, dtype=torch.float64).square()
    table, exact = unit_chi_variance(square, 1), rician_variance(square.sqrt(), 1.0)
    torch.testing.assert_close(table, exact, rtol=0, atol=1e-6)
    assert rician_mean(torch.tensor([0.3]), 0.0, coils=4).item() == pytest.approx(0.3)  # no noise


@pytest.mark.parametrize("moment", [rician_mean, rician_variance])
def test_fewer_coils_than_one_are_refused(moment):
    with pytest.raises(ValueError, match="coils must be at least 1, got 0"):
        moment(torch.ones(2), 1.0, coils=0)
