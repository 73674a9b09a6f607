"""Random kinds of scanner noise: how often each effect occurs, its range, its replay."""

import json

import numpy as np
import pytest
import torch

from monai_unsup_denoise.functional import EFFECTS, ScannerNoise, add_scanner_noise, draw_scanner_noise, noise_truth

ALWAYS = dict.fromkeys(EFFECTS, 1.0)
DRAWS = 300


def effects_of(scanner):
    return {name for name in EFFECTS if getattr(scanner, name) != getattr(ScannerNoise(), name)}


def test_each_effect_occurs_with_its_probability():
    rng = np.random.RandomState(0)
    probabilities = {"coils": 0.2, "gain": 0.5, "background": 0.8, "rounding": 1.0}
    drawn = [effects_of(draw_scanner_noise(rng, probabilities)) for _ in range(DRAWS)]
    for name in EFFECTS:
        share = np.mean([name in effects for effects in drawn])
        assert share == pytest.approx(probabilities.get(name, 0), abs=0.09 if 0 < share < 1 else 0)


def test_draws_cover_the_published_ranges():
    rng = np.random.default_rng(3)
    drawn = [draw_scanner_noise(rng, ALWAYS, reference=1000.0) for _ in range(DRAWS)]
    windows = [window for scanner in drawn for window in scanner.windows]
    assert {window.resolution for window in windows} == {1, 0.75, 0.65, 0.55, 0.5}
    assert {window.partial_fourier for window in windows} == {1, 0.875, 0.75, 0.625}
    gaussian = [window.strength for window in windows if window.taper == "gaussian"]
    assert 0.8 <= min(gaussian) < 0.95 and 2.1 < max(gaussian) <= 2.25
    assert {window.taper for window in windows} == {None, "gaussian", "raised_cosine", "tukey", "fermi"}
    assert all(sum(window.partial_fourier < 1 for window in scanner.windows) <= 1 for scanner in drawn)
    assert {scanner.coils for scanner in drawn} == {2, 4, 8, 16}
    assert all(1000 / 4096 <= scanner.rounding <= 1000 / 200 for scanner in drawn)
    assert {scanner.resampling.order for scanner in drawn} == {1, 3}
    assert 9 < max(abs(angle) for scanner in drawn for angle in scanner.resampling.degrees) <= 10
    constants = [scanner.background.value for scanner in drawn]
    assert min(constants) == 0 and 80 < max(constants) <= 100
    ratios = [float((gain := scanner.gain.map((8, 8, 8))).max() / gain.min()) for scanner in drawn]
    assert min(ratios) < 1.6 and 2.5 < max(ratios) < 9


@pytest.mark.parametrize("shape", [(24, 20), (16, 20, 12)])
def test_drawn_noise_is_finite_and_replayed_from_its_record(shape):
    rng = np.random.RandomState(1)
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    for seed in range(12):
        scanner = draw_scanner_noise(rng, dict.fromkeys(EFFECTS, 0.6), dimensions=len(shape))
        again = ScannerNoise.from_record(json.loads(json.dumps(scanner.record())))
        noisy = [
            add_scanner_noise(image, 0.1, scanner=one, generator=torch.Generator().manual_seed(seed))
            for one in (scanner, again)
        ]
        assert torch.equal(*noisy) and noisy[0].isfinite().all() and noisy[0].min() >= 0
        truth = noise_truth(image, 0.1, scanner=scanner)
        assert truth.sigma.min() > 0 and truth.correlation.abs().max() <= 1


def test_equal_random_states_draw_equal_noise():
    first, second = (draw_scanner_noise(np.random.RandomState(3), ALWAYS) for _ in range(2))
    assert first == second and first != draw_scanner_noise(np.random.RandomState(4), ALWAYS)


def test_unknown_effects_and_probabilities_are_refused():
    with pytest.raises(ValueError, match="no effect 'ghosts', only windows, coils"):
        draw_scanner_noise(np.random.RandomState(0), {"ghosts": 0.5})
    with pytest.raises(ValueError, match=r"in \[0, 1\], got {'coils': 2}"):
        draw_scanner_noise(np.random.RandomState(0), {"coils": 2})
