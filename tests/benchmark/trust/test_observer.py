"""The observer sees as much as theory says, and nothing where there is nothing."""

import numpy as np
import pytest
from scipy.stats import norm

from monai_unsup_denoise.benchmark.trust.inventions import false_alarms
from monai_unsup_denoise.benchmark.trust.observer import channels, detect
from monai_unsup_denoise.benchmark.trust.spots import insert, sphere

SIDE, COUNT = 17, 300


def images(contrast, seed, radius=2.0):
    """White noise around a sphere."""
    signal = np.zeros((SIDE, SIDE, SIDE))
    insert(signal, sphere(radius), (SIDE // 2,) * 3, 1.0)
    noise = np.random.default_rng(seed).standard_normal((COUNT, SIDE, SIDE, SIDE))
    return noise + contrast * signal, contrast * float(np.sqrt(np.square(signal).sum()))


@pytest.mark.parametrize("contrast", [0.2, 0.35])
def test_observer_comes_near_the_ideal_one_in_white_noise(contrast):
    present, ideal = images(contrast, 1)
    absent, _ = images(0.0, 2)
    found = detect(present, absent)
    assert found.auc == pytest.approx(norm.cdf(ideal / np.sqrt(2)), abs=3 * found.error)


def test_observer_guesses_where_there_is_no_signal():
    found = detect(images(0.0, 1)[0], images(0.0, 2)[0])
    assert found.auc == pytest.approx(0.5, abs=3 * found.error) and found.error == pytest.approx(0.024, abs=0.002)


@pytest.mark.parametrize("shared", [False, True])
def test_standard_error_is_the_spread_over_repetitions(shared):
    """Also where both images of a place have the same noise, as those of a lesion."""
    runs = []
    for seed in range(16):
        present, absent = images(0.12, 2 * seed)[0][:60], images(0.0, 2 * seed + 1)[0][:60]
        if shared:
            absent = 0.95 * (present - images(0.12, 0)[0][:60] + images(0.0, 0)[0][:60]) + 0.3 * absent
        runs.append(detect(present, absent))
    spread = np.std([run.auc for run in runs], ddof=1)
    assert 0.6 < spread / np.mean([run.error for run in runs]) < 1.6


def test_channels_are_blind_to_the_mean():
    templates = channels(SIDE)
    np.testing.assert_allclose(templates.sum(axis=(1, 2, 3)), 0, atol=1e-9)
    np.testing.assert_allclose(templates, templates.transpose(0, 2, 3, 1), atol=1e-12)


def test_false_alarms_are_those_of_two_normal_distributions():
    present, ideal = images(0.35, 1)
    share = false_alarms(present, images(0.0, 2)[0], images(0.0, 3)[0], found=0.9)
    assert share == pytest.approx(norm.sf(ideal + norm.ppf(0.1)), abs=0.1)
    assert false_alarms(present, images(0.0, 2)[0], present, found=0.9) > 0.8


def test_too_few_images_are_refused():
    few = np.zeros((39, SIDE, SIDE, SIDE))
    with pytest.raises(ValueError, match="39 and 39 images: .* 40 or more"):
        detect(few, few)
