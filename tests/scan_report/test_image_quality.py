"""MRIQC's numbers, against values that are known by construction."""

import math

import numpy as np
import pytest

from monai_unsup_denoise.scan_report.image_quality import Tissue, find_tissue, quality_numbers


@pytest.fixture(scope="module")
def head():
    """Air, a bright scalp, a dark skull, and in it gray and white matter: the image and its parts."""
    radius = np.sqrt(sum(np.square(axis) for axis in np.ogrid[-24:25, -24:25, -24:25]))
    edges = {"white": (0, 11), "gray": (11, 16), "skull": (16, 19), "scalp": (19, 22)}
    parts = {name: (radius >= low) & (radius < high) for name, (low, high) in edges.items()}
    image = 900.0 * parts["white"] + 600.0 * parts["gray"] + 40.0 * parts["skull"] + 450.0 * parts["scalp"]
    return image, parts, radius < 22


def test_head_and_tissue_are_found(head):
    image, parts, inside = head
    noisy = image + 20 * np.random.default_rng(0).standard_normal(image.shape)
    tissue = find_tissue(np.abs(noisy))
    assert np.count_nonzero(tissue.head ^ inside) < 0.05 * np.count_nonzero(inside)
    assert np.count_nonzero(tissue.bright ^ parts["white"]) < 0.05 * np.count_nonzero(parts["white"])
    assert np.count_nonzero(tissue.middle & parts["gray"]) > 0.95 * np.count_nonzero(parts["gray"])


def test_numbers_are_those_of_their_formulas(head):
    image, parts, inside = head
    noise = 30 * np.random.default_rng(0).standard_normal(image.shape)
    air = 10 * np.random.default_rng(1).standard_normal(image.shape)
    noisy = np.where(inside, image + noise, 100 + air)
    numbers = quality_numbers(noisy, Tissue(inside, parts["white"], parts["gray"]))
    assert numbers["SNR"] == pytest.approx(900 / 30, rel=0.02)
    assert numbers["CNR"] == pytest.approx(300 / math.sqrt(30**2 + 30**2 + 10**2), rel=0.02)
    assert numbers["CJV"] == pytest.approx(60 / 300, rel=0.03)
    assert numbers["FBER"] == pytest.approx(np.median(noisy[inside] ** 2) / 100**2, rel=0.02)


def test_entropy_is_greatest_for_an_even_image():
    nothing = np.zeros((8, 8, 8), dtype=bool)
    tissue = Tissue(nothing, nothing, nothing)
    even, point = np.ones((8, 8, 8)), np.zeros((8, 8, 8))
    point[1, 2, 3] = 5
    point[1, 2, 4] = 1e-9
    assert quality_numbers(even, tissue)["EFC"] == pytest.approx(1)
    assert quality_numbers(point, tissue)["EFC"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("value", [0, 7])
def test_an_even_image_has_no_tissue_and_no_numbers(value):
    image = np.full((9, 9, 9), value, dtype=np.float32)
    numbers = quality_numbers(image, find_tissue(image))
    assert math.isnan(numbers["SNR"]) and math.isnan(numbers["CNR"]) and math.isnan(numbers["FBER"])
