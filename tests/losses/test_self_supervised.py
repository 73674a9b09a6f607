"""Recorruption of magnitudes: independent noises of the right levels, and what the loss is least at."""

import pytest
import torch
from scipy.stats import kstest, rice

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.losses import SelfSupervisedObjective

ALPHA = 0.5


@pytest.fixture
def objective():
    return SelfSupervisedObjective({"recorruption": 1.0}, alpha=ALPHA)


@pytest.mark.parametrize("snr", [0.0, 1.0, 5.0])
def test_the_noisier_image_is_rician_of_the_higher_level(objective, snr):
    noisy = add_rician_noise(torch.full((20_000,), snr), 1.0)
    given, _, _ = objective.recorrupt(noisy, torch.tensor(1.0))
    level = (1 + ALPHA**2) ** 0.5
    assert kstest(given.numpy(), rice(snr / level, scale=level).cdf).pvalue > 0.01


@pytest.mark.parametrize("snr", [0.0, 1.0, 5.0])
def test_the_target_is_unbiased_and_independent_of_the_input(objective, snr):
    noisy = add_rician_noise(torch.full((400_000,), snr), 1.0)
    given, target, spread = objective.recorrupt(noisy, torch.tensor(1.0))
    error = (4 * snr**2 * spread**2 + 4 * spread**4).sqrt() / 400_000**0.5
    assert abs(target.mean() - snr**2) < 4 * error
    assert abs(torch.corrcoef(torch.stack([given, target]))[0, 1]) < 4 / 400_000**0.5
    assert abs(torch.corrcoef(torch.stack([given, noisy]))[0, 1]) > 0.5  # which the scan itself is not


def test_the_loss_without_clean_images_pulls_towards_the_truth(objective, physics_networks):
    clean = 0.2 + torch.rand(2, 1, 64, 64, 24)
    batch = {"noisy": add_rician_noise(clean, 0.1)}
    denoiser = physics_networks["denoiser"]
    denoiser.working_sigma = None
    denoiser.noise_level.slope.zero_()  # sigma 0.1 for every image
    shift = torch.zeros((), requires_grad=True)

    class Shifted(torch.nn.Module):
        def forward(self, content, code):
            return clean + shift

    denoiser.generator = Shifted()
    pulls = {}
    for start in (-0.02, 0.0, 0.02):
        shift.data.fill_(start)
        terms, _ = objective.generator_step(physics_networks, batch)
        (pulls[start],) = torch.autograd.grad(terms["recorruption"], shift)
    assert pulls[-0.02] < 0 < pulls[0.02]
    assert abs(pulls[0.0]) < 0.1 * min(-pulls[-0.02], pulls[0.02])


def test_the_denoiser_learns_and_the_reading_of_the_noise_stays(objective, physics_networks, volumes, reached):
    terms, images = objective.generator_step(physics_networks, volumes)
    terms["recorruption"].backward()
    assert reached() == {"content_encoder", "generator_high"}
    assert not images["pred"].requires_grad
    assert objective.discriminator_step(physics_networks, volumes, images) == {}


def test_air_that_was_masked_to_zero_does_not_count(objective, physics_networks, volumes):
    volumes["noisy"][:, :, :8] = 0
    seen = []
    physics_networks["denoiser"].register_forward_hook(lambda _, inputs, output: seen.append(output))
    terms, _ = objective.generator_step(physics_networks, volumes)
    (gradient,) = torch.autograd.grad(terms["recorruption"], seen[0])
    assert (gradient[:, :, :8] == 0).all()
    assert (gradient[:, :, 8:] != 0).any()


def test_alpha_must_be_positive():
    with pytest.raises(ValueError, match="alpha"):
        SelfSupervisedObjective({"recorruption": 1.0}, alpha=0)
