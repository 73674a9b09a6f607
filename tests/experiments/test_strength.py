"""Results of a lower strength, made from what has been denoised."""

import json

import numpy as np
import pytest

from experiments.strength import STRENGTHS, detection, gain, gains, read_cells
from experiments.uncertainty.crops import Crop

SIDE, LESIONS = 9, 60


def crop(*, left: float) -> Crop:
    """An even head, from which all but a share of the noise was removed."""
    rng = np.random.default_rng(0)
    clean = np.ones((16, 16, 16), np.float32)
    noise = 0.1 * rng.standard_normal(clean.shape).astype(np.float32)
    sigma, tissue = np.full_like(clean, 0.1), np.ones(clean.shape, np.uint8)
    return Crop("1", "white", 10.0, clean, clean + noise, clean + left * noise, sigma, tissue, np.zeros(5, np.float32))


def test_gain_is_that_of_the_noise_that_is_left():
    for strength in STRENGTHS:
        left = strength * 0.1 + 1 - strength
        assert gain(crop(left=0.1), strength) == pytest.approx(-20 * np.log10(left), abs=1e-4)
    assert [row[0] for row in gains([crop(left=0.1)])] == list(STRENGTHS)


def cells(kept: float) -> dict[str, np.ndarray]:
    """Lesions and pairs of which a share is kept, in noise that is kept as much."""
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2, LESIONS, SIDE, SIDE, SIDE))
    signal = np.zeros((SIDE,) * 3)
    signal[3:6, 3:6, 3:6] = 1
    named = {"with": noise[0] + kept * signal, "without": noise[1]}
    named |= {"two": named["with"], "one": named["without"]}
    kind = {"diameter": np.full(LESIONS, 4), "ratio": np.full(LESIONS, 3), "contrast": np.full(LESIONS, kept)}
    return named | kind | {"distance": np.full(LESIONS, 3)}


def test_contrast_lies_between_the_scan_and_the_denoised(monkeypatch):
    monkeypatch.setattr("experiments.strength._LESIONS", ((4, 3),))
    monkeypatch.setattr("experiments.strength._DISTANCES", (3,))
    rows = list(detection(cells(1.0), cells(0.5)))
    contrast = [value for _, check, _, value, _ in rows if check == "lesion contrast kept"]
    assert contrast == pytest.approx([0.5 * strength + 1 - strength for strength in STRENGTHS])
    auc = [value for _, check, _, value, _ in rows if check == "lesion detection, AUC"]
    assert auc == sorted(auc) and auc[0] < auc[-1]
    assert {count for *_, count in rows} == {LESIONS}


def test_cells_of_all_heads_are_joined(tmp_path):
    for name, number in (("5_phantom_1", 2), ("5_phantom_2", 3)):
        lesions = [{"diameter": 4, "ratio": 3, "contrast": 0.9, "site": "cortex"}] * number
        (tmp_path / f"{name}.json").write_text(json.dumps({"lesions": lesions, "distances": [3] * number}))
        np.savez(tmp_path / f"{name}.npz", **{"with": np.zeros((number, 2, 2, 2), np.float32)})
    (tmp_path / "levels.json").write_text("{}")
    found = read_cells(tmp_path)
    assert len(found["with"]) == len(found["ratio"]) == len(found["distance"]) == 5
