"""Lesions have the size they should have, where they should be."""

import numpy as np
import pytest

from monai_unsup_denoise.benchmark.trust.places import SITES, site_masks, spread
from monai_unsup_denoise.benchmark.trust.spots import blob, insert, long_spot, sphere, two_spots


@pytest.mark.parametrize("radius", [1.0, 2.0, 4.0])
def test_spheres_and_blobs_have_the_volume_of_a_sphere(radius):
    volume = 4 / 3 * np.pi * radius**3
    assert sphere(radius).sum() == pytest.approx(volume, rel=0.05)
    irregular = blob(radius, np.random.default_rng(0))
    assert irregular.sum() == pytest.approx(volume, rel=0.01)
    assert sphere(radius).max() == irregular.max() == 1 and irregular.min() == 0
    assert np.abs(irregular - sphere(radius)).sum() > 0.1 * volume


def test_blobs_differ():
    rng = np.random.default_rng(0)
    assert np.abs(blob(3.0, rng) - blob(3.0, rng)).sum() > 10


def test_one_spot_has_the_sum_and_length_of_two():
    two, one = two_spots(6, 1.0), long_spot(6, 1.0)
    assert one.sum() == pytest.approx(two.sum(), rel=1e-5)
    middle = two.shape[0] // 2
    assert two[middle].sum() == 0 and one[middle].max() > 0.3
    assert (
        np.flatnonzero(one.any(axis=(1, 2))).tolist()[:: len(one)]
        == np.flatnonzero(two.any(axis=(1, 2))).tolist()[:: len(two)]
    )
    places = np.flatnonzero(two[:, middle, middle] == two.max())
    assert places.tolist() == [middle - 3, middle + 3]


def test_a_dark_lesion_makes_nothing_negative():
    volume = np.full((9, 9, 9), 0.5, dtype=np.float32)
    insert(volume, sphere(2.0), (4, 4, 4), -0.8)
    assert volume[4, 4, 4] == 0 and volume[0, 0, 0] == 0.5
    with pytest.raises(ValueError, match="reaches out of a volume"):
        insert(volume, sphere(2.0), (1, 4, 4), 1.0)


@pytest.fixture(scope="module")
def head():
    """Labels of a ball: ventricle, white matter, gray matter, CSF, air."""
    radius = np.sqrt(sum(np.square(axis) for axis in np.ogrid[-36:37, -36:37, -36:37]))
    return np.select([radius < 8, radius < 26, radius < 31, radius < 34], [1, 3, 2, 1], 0), radius


def test_sites_are_where_their_names_say(head):
    tissue, radius = head
    masks = site_masks(tissue)
    assert tuple(masks) == SITES and all(mask.any() for mask in masks.values())
    assert radius[masks["white matter"]].min() > 12 and radius[masks["white matter"]].max() < 22
    assert (tissue[masks["cortex"]] == 2).all() and radius[masks["cortex"]].max() < 29
    assert radius[masks["beside ventricles"]].max() < 14


def test_places_keep_their_distance_and_the_sites_take_turns(head):
    found = spread(site_masks(head[0]), apart=9, margin=5, rng=np.random.default_rng(0))
    places = np.array([place for _, place in found])
    distances = np.abs(places[:, None] - places[None]).max(axis=2)
    assert len(found) > 30 and distances[~np.eye(len(found), dtype=bool)].min() >= 9
    assert {site for site, _ in found[:3]} == set(SITES)
    assert places.min() >= 5 and places.max() < 73 - 5
