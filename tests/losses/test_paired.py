"""Training on pairs: the regression, and the true code."""

import pytest
import torch
from torch.nn.functional import mse_loss

from monai_unsup_denoise.losses import PairedObjective
from monai_unsup_denoise.losses.relative_error import relative_root_mean_square

LEVELS = (0.02, 0.2)


@pytest.fixture
def objective():
    return PairedObjective({"reconstruction": 1.0, "code": 1.0}, levels=LEVELS)


@pytest.fixture(params=[{}, {"windows": 1.0, "gain": 1.0}], ids=["white", "scanner noise"])
def networks(physics_networks, request):
    physics_networks["generator_low"].effects = request.param
    return physics_networks


@pytest.mark.parametrize(
    "term, trained", [("reconstruction", {"content_encoder", "generator_high"}), ("code", {"noise_encoder"})]
)
def test_the_image_trains_the_denoiser_and_the_code_e_n(networks, volumes, reached, objective, term, trained):
    terms, _ = objective.generator_step(networks, volumes)
    assert set(terms) == set(objective.TERMS)
    terms[term].backward()
    assert reached() == trained


def test_the_terms_are_the_errors_of_image_and_code(networks, volumes, objective, made):
    terms, images = objective.generator_step(networks, volumes)
    noisy, code, sigma = made[0]
    expected = networks["denoiser"](noisy, code)
    torch.testing.assert_close(images["pred"], expected)
    torch.testing.assert_close(terms["reconstruction"], relative_root_mean_square(expected, volumes["clean"], sigma))
    of_image = code.flatten(2).mean(-1) if code.dim() > 2 else code
    torch.testing.assert_close(terms["code"], mse_loss(networks["denoiser"].encode_noise(noisy), of_image))
    assert not images["pred"].requires_grad


def test_there_is_nothing_for_discriminators(networks, volumes, objective):
    assert objective.discriminator_step(networks, volumes, {}) == {}
