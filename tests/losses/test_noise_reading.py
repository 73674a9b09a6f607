"""Training of the noise encoder alone: what its terms are least at, and what they train."""

import math

import pytest
import torch

from monai_unsup_denoise.losses import NoiseReadingObjective
from monai_unsup_denoise.networks import RicianGenerator
from tests.small_networks import small_denoiser

WEIGHTS = dict.fromkeys(NoiseReadingObjective.TERMS, 1.0)
EFFECTS = {"windows": 0.5, "coils": 0.5, "gain": 0.5}


@pytest.fixture
def networks(physics_networks):
    physics_networks["generator_low"].effects = EFFECTS
    return physics_networks


def white_networks() -> torch.nn.ModuleDict:
    """An untrained reader, which is right about white noise of one coil, and a generator of it."""
    denoiser = small_denoiser()
    return torch.nn.ModuleDict({"denoiser": denoiser, "generator_low": RicianGenerator(denoiser.noise_level)})


@pytest.mark.parametrize("term", NoiseReadingObjective.TERMS)
def test_every_term_trains_the_noise_encoder_alone(networks, volumes, reached, term):
    terms, images = NoiseReadingObjective(WEIGHTS).generator_step(networks, volumes)
    assert set(terms) == set(WEIGHTS)
    assert terms[term].dim() == 0 and terms[term].isfinite()
    terms[term].backward()
    assert reached() == {"noise_encoder"}
    assert not images["pred"].requires_grad


@torch.no_grad()
@pytest.mark.parametrize("entry, term", [(0, "level"), (0, "cells"), (2, "correlation"), (4, "coils")])
def test_terms_are_least_for_a_reader_that_is_right(entry, term):
    networks, clean = white_networks(), {"clean": torch.ones(2, 1, 32, 32, 16)}
    objective = NoiseReadingObjective(WEIGHTS, levels=(0.02, 0.1), thin=0.0)
    found = {}
    for wrong in (-0.5, 0.0, 0.5):
        networks["denoiser"].noise_encoder.head.bias[entry] = wrong
        torch.manual_seed(0)
        found[wrong] = objective.generator_step(networks, clean)[0][term].item()
    assert min(found, key=found.get) == 0.0


@torch.no_grad()
def test_width_is_learned_by_the_likelihood_of_laplace():
    networks, clean = white_networks(), {"clean": torch.ones(2, 1, 16, 16, 8)}
    encoder = networks["denoiser"].noise_encoder
    encoder.head.bias[1] = 0.5  # every correlation along the first axis is read as 0.5 / 2
    objective = NoiseReadingObjective(WEIGHTS, thin=0.0)
    found = {}
    for width in (0.25, 0.5, 1.0):
        encoder.pool = lambda cells, width=width: _with_width(encoder, cells, width)
        torch.manual_seed(0)
        found[width] = objective.generator_step(networks, clean)[0]["correlation"].item()
    assert min(found, key=found.get) == 0.5


def _with_width(encoder, cells, width):
    mean, log_variance, weight = type(encoder).pool(encoder, cells)
    log_variance[:, 1] = 2 * math.log(width)
    return mean, log_variance, weight


@torch.no_grad()
@pytest.mark.parametrize("thin, depths", [(0.0, {20}), (1.0, {1, 2, 4, 8, 16})])
def test_batches_are_cut_to_thin_stacks_and_levels_in_range(networks, thin, depths):
    seen, levels = [], []
    generator, level = networks["generator_low"], networks["denoiser"].noise_level

    def corrupt(image, code):
        seen.append(image.shape[-1])
        levels.append(level(code))
        return RicianGenerator.corrupt(generator, image, code)

    generator.corrupt = corrupt
    objective = NoiseReadingObjective(WEIGHTS, levels=(0.01, 0.3), thin=thin)
    for _ in range(20):
        terms, _ = objective.generator_step(networks, {"clean": torch.rand(1, 1, 8, 8, 20)})
        assert all(term.isfinite() for term in terms.values())
    assert set(seen) == depths
    assert 0.01 <= torch.cat(levels).min() < 0.05 and 0.1 < torch.cat(levels).max() <= 0.3
