"""Refinement of thin stacks: patches in the plane, and further rounds where the pilot is poor."""

import importlib

import numpy as np
import pytest
import torch

from monai_unsup_denoise.functional import nonlocal_bayes
from tests.functional.refined_images import blurred, error, everywhere, noisy_of, rods

MODULE = importlib.import_module("monai_unsup_denoise.functional.nonlocal_bayes")  # the function has the same name


@pytest.mark.parametrize("slices", [1, 2, 4])
def test_thin_stack_is_refined_in_its_plane(slices):
    clean = rods((64, 48, 24))[..., 10 : 10 + slices]
    noisy, pilot, sigma = noisy_of(clean, 0.1), blurred(clean), everywhere(0.1, clean)
    refined = nonlocal_bayes(noisy, pilot, sigma)
    assert error(refined, clean) < 0.8 * min(error(pilot, clean), error(noisy, clean))


def test_poor_pilot_of_a_slice_has_further_rounds(monkeypatch):
    """An even disk whose pilot has most of the noise. What one round leaves, the next ones remove."""
    x, y, _ = np.indices((96, 96, 1))
    clean = torch.from_numpy(0.2 + 1.0 * ((x - 48) ** 2 + (y - 48) ** 2 < 40**2)).float()
    noisy, sigma, rounds = noisy_of(clean, 0.05), everywhere(0.05, clean), []
    refine = MODULE._refine
    monkeypatch.setattr(MODULE, "_refine", lambda *args: rounds.append(args[1]) or refine(*args))
    refined = nonlocal_bayes(noisy, clean + 0.8 * (noisy - clean), sigma)
    assert len(rounds) == 4
    assert error(refined, clean) < 0.75 * error(rounds[1], clean)


def test_rounds_of_a_slice_end_when_they_change_little(monkeypatch):
    clean = rods((64, 48, 24))[..., 10:11]
    noisy, sigma, rounds = noisy_of(clean, 0.05), everywhere(0.05, clean), []
    refine = MODULE._refine
    monkeypatch.setattr(MODULE, "_refine", lambda *args: rounds.append(args[1]) or refine(*args))
    refined = nonlocal_bayes(noisy, clean + 0.5 * (noisy - clean), sigma)
    change = error(refine(noisy, refined, sigma, MODULE.SQUARES._replace(reach=(8, 8, 0)), None, 1, None), refined)
    assert len(rounds) == 3 and 0 < change <= 0.08 * 0.05
    assert torch.equal(refined, rounds[-1]), "what changes little is not taken"


def test_volumes_have_one_round(monkeypatch):
    clean, rounds = rods((24, 24, 5)), []
    refine = MODULE._refine
    monkeypatch.setattr(MODULE, "_refine", lambda *args: rounds.append(args[1]) or refine(*args))
    noisy = noisy_of(clean, 0.1)
    nonlocal_bayes(noisy, clean + 0.5 * (noisy - clean), everywhere(0.1, clean))
    assert len(rounds) == 1


@pytest.mark.parametrize("correlation", [None, (0.6, 0.2, 0.0)])
def test_thin_axis_may_be_any(correlation):
    clean = rods((40, 48, 24))[..., 10:13]
    noisy, pilot, sigma = noisy_of(clean, 0.1), blurred(clean), everywhere(0.1, clean)
    expected = nonlocal_bayes(noisy, pilot, sigma, correlation=correlation)
    first = [volume.movedim(2, 0) for volume in (noisy, pilot, sigma)]
    turned = None if correlation is None else (correlation[2], *correlation[:2])
    assert torch.equal(nonlocal_bayes(*first, correlation=turned), expected.movedim(2, 0))


def test_one_line_of_voxels_is_returned_as_its_pilot():
    clean = rods()
    volumes = [volume[:, :4, :2] for volume in (noisy_of(clean, 0.1), blurred(clean), everywhere(0.1, clean))]
    assert torch.equal(nonlocal_bayes(*volumes), volumes[1])
