"""Training on pairs: the regression, and the true noise level."""

import math

import pytest
import torch

from monai_unsup_denoise.losses import PairedObjective
from monai_unsup_denoise.losses.relative_error import relative_root_mean_square

WEIGHTS = {"reconstruction": 1.0, "noise_level": 1.0}


@pytest.fixture
def pairs(batch):
    return batch | {"sigma": torch.tensor([0.1, 0.3])}


@pytest.mark.parametrize(
    "term, trained",
    [("reconstruction", {"content_encoder", "generator_high"}), ("noise_level", {"noise_encoder", "noise_level"})],
)
def test_the_image_trains_the_denoiser_and_sigma_the_code(physics_networks, pairs, reached, term, trained):
    terms, _ = PairedObjective(WEIGHTS).generator_step(physics_networks, pairs)
    assert set(terms) == set(WEIGHTS)
    terms[term].backward()
    assert reached() == trained


def test_the_terms_are_the_errors_of_image_and_log_sigma(physics_networks, pairs):
    physics_networks["denoiser"].noise_level.slope.data.zero_()  # sigma 0.1 for every image
    terms, images = PairedObjective(WEIGHTS).generator_step(physics_networks, pairs)
    sigma = pairs["sigma"].view(2, 1, 1, 1)
    expected = relative_root_mean_square(images["pred"], pairs["clean"], sigma)
    torch.testing.assert_close(terms["reconstruction"], expected)
    assert terms["noise_level"].item() == pytest.approx(0.5 * math.log(3) ** 2, rel=1e-4)
    assert not images["pred"].requires_grad


def test_a_noise_free_image_has_a_finite_loss(physics_networks, pairs):
    pairs["sigma"] = torch.zeros(2, 1, 1, 1)
    terms, _ = PairedObjective(WEIGHTS).generator_step(physics_networks, pairs)
    assert all(term.isfinite() for term in terms.values())


def test_there_is_nothing_for_discriminators(physics_networks, pairs):
    assert PairedObjective(WEIGHTS).discriminator_step(physics_networks, pairs, {}) == {}
