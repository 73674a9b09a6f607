"""Each check passes a denoiser that knows the truth, and fails the one that has the fault it looks for."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monai_unsup_denoise.benchmark.trust.artefacts import artefact_scene, measure_artefacts
from monai_unsup_denoise.benchmark.trust.inventions import departure_map, false_alarms
from monai_unsup_denoise.benchmark.trust.lesions import (
    DIAMETERS,
    RATIOS,
    Lesion,
    around,
    draw_lesions,
    lesion_scene,
    measure_lesions,
)
from monai_unsup_denoise.benchmark.trust.observer import detect
from monai_unsup_denoise.benchmark.trust.quantities import measure_means, measure_volumes, nrmse_ratio
from monai_unsup_denoise.benchmark.trust.rayleigh import DISTANCES, Pair, rayleigh_scene
from monai_unsup_denoise.benchmark.trust.scene import Scene
from monai_unsup_denoise.benchmark.trust.spots import sphere
from monai_unsup_denoise.benchmark.trust.subjects import Slab

LEVEL = 5.0
SHAPE = (120, 110, 100)
MEANS = {0: 0.0, 1: 0.9, 2: 0.6, 3: 0.5, 4: 0.3}


@pytest.fixture(scope="module")
def tissue():
    """A ball with a ventricle, folds of gray matter, CSF and fat."""
    rng = np.random.default_rng(0)
    grid = np.meshgrid(*[np.arange(n) - n / 2 for n in SHAPE], indexing="ij")
    radius = np.sqrt(sum(np.square(axis) for axis in grid))
    folds = gaussian_filter(rng.standard_normal(SHAPE), 3)
    radius += 2 * folds / folds.std()
    return np.select([radius < 9, radius < 36, radius < 41, radius < 44, radius < 47], [1, 3, 2, 1, 4], 0)


@pytest.fixture(scope="module")
def clean(tissue):
    return np.vectorize(MEANS.get)(tissue).astype(np.float32)


@pytest.fixture(scope="module")
def lesions(tissue):
    return draw_lesions(tissue, np.random.default_rng(0))


@pytest.fixture(scope="module")
def scene(clean, lesions):
    return lesion_scene("ball", clean, lesions, level=LEVEL, kind="white")


def oracle(scene):
    """Every variant without noise."""
    return dict(scene.images)


def means(rows, column, **wanted):
    chosen = [row[column] for row in rows if all(row[key] == value for key, value in wanted.items())]
    return float(np.mean(chosen))


def test_every_variant_has_the_same_noise(scene):
    noisy = {variant: scene.case(variant).noisy for variant in scene.images}
    same = scene.images["with"] == scene.images["without"]
    np.testing.assert_array_equal(noisy["with"][same], noisy["without"][same])
    residual = (noisy["without"] - scene.images["without"])[scene.images["without"] > 0.4]
    assert residual.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize("kind", ["white", "g_map", "rotated"])
def test_sigma_is_that_of_the_noise_in_the_image(clean, tissue, kind):
    scene = Scene("ball", {"plain": clean}, LEVEL, kind)
    residual = np.where(tissue > 0, scene.case("plain").noisy - clean, np.nan)[16:104, 15:95, 10:90]
    blocks = residual.reshape(11, 8, 10, 8, 10, 8).transpose(0, 2, 4, 1, 3, 5).reshape(-1, 512)
    local = blocks[np.isfinite(blocks).all(axis=1)].std(axis=1)
    assert scene.case("plain").sigma == pytest.approx(np.median(local), rel=0.05)


def test_lesions_have_every_diameter_and_contrast(lesions):
    counts = {(d, r): sum((one.diameter, one.ratio) == (d, r) for one in lesions) for d in DIAMETERS for r in RATIOS}
    assert max(counts.values()) - min(counts.values()) <= 1 and len({one.site for one in lesions}) == 3


def test_an_oracle_keeps_lesions(scene, lesions):
    rows = measure_lesions(scene, oracle(scene), lesions)
    assert len(rows) == len(lesions)
    for column in ("contrast", "size"):
        np.testing.assert_allclose([row[column] for row in rows], 1, rtol=1e-5)


def test_a_denoiser_that_erases_lesions_is_found_out(scene, lesions):
    erased = {"without": scene.images["without"], "with": scene.images["without"]}
    assert means(measure_lesions(scene, erased, lesions), "contrast") == pytest.approx(0, abs=1e-6)
    halved = {**erased, "with": (scene.images["with"] + scene.images["without"]) / 2}
    assert means(measure_lesions(scene, halved, lesions), "contrast") == pytest.approx(0.5, abs=1e-5)


def test_a_denoiser_that_erases_faint_lesions_alone_is_found_out(scene, lesions):
    erased = scene.images["with"].copy()
    for lesion in lesions:
        if lesion.ratio == 1:
            erased[around(lesion.center)] = scene.images["without"][around(lesion.center)]
    rows = measure_lesions(scene, {**scene.images, "with": erased}, lesions)
    assert means(rows, "contrast", ratio=1) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose([row["contrast"] for row in rows if row["ratio"] > 1], 1, rtol=1e-5)


def test_blurred_lesions_are_larger_and_fainter(scene, lesions):
    blurred = {variant: gaussian_filter(image, 1.0) for variant, image in scene.images.items()}
    rows = measure_lesions(scene, blurred, lesions)
    assert means(rows, "contrast", diameter=2) < 0.6 and means(rows, "size", diameter=2) > 1.5
    assert means(rows, "contrast", diameter=8) > means(rows, "contrast", diameter=2)


PLACES = [(x, y, z) for x in range(12, 110, 16) for y in range(12, 100, 16) for z in range(12, 90, 16)]
BLOCK = np.full(SHAPE, 0.5, np.float32)


@pytest.fixture(scope="module")
def pairs():
    """Pairs in an even block, on a grid."""
    return [Pair(DISTANCES[number % len(DISTANCES)], place) for number, place in enumerate(PLACES)]


@pytest.fixture(scope="module")
def spots():
    """Noisy images of an even block with and without lesions of 4 voxels on a grid, and the lesions."""
    lesions = [Lesion("white matter", place, 4, 3, sphere(2.0)) for place in PLACES]
    scene = lesion_scene("block", BLOCK, lesions, level=LEVEL, kind="white")
    other = Scene("other", {"without": BLOCK}, LEVEL)
    return {"with": scene.case("with").noisy, "without": other.case("without").noisy}, lesions


def test_a_spot_drawn_everywhere_is_a_false_alarm(spots):
    images, lesions = spots
    present, absent = (np.stack([images[name][around(one.center)] for one in lesions]) for name in ("with", "without"))
    assert false_alarms(present, absent, absent) < 0.05 and false_alarms(present, absent, present) > 0.8


def told_apart(images, pairs, distance):
    centers = [pair.center for pair in pairs if pair.distance == distance]
    return detect(*(np.stack([images[name][around(center)] for center in centers]) for name in ("two", "one")))


def test_spots_far_apart_are_told_from_one_and_blur_is_found_out(pairs):
    scene = rayleigh_scene("block", BLOCK, pairs, level=LEVEL, kind="white")
    noisy = {variant: scene.case(variant).noisy for variant in scene.images}
    rng = np.random.default_rng(1)
    blurred = {
        variant: gaussian_filter(image, 2.0) + 0.01 * rng.standard_normal(SHAPE) for variant, image in noisy.items()
    }
    before, after = (told_apart(images, pairs, 6) for images in (noisy, blurred))
    near = told_apart(noisy, pairs, 3)
    assert before.auc > 0.9 and near.auc < before.auc
    assert after.auc < before.auc - 2 * before.error


def test_quantities_of_the_truth_are_kept(clean, tissue):
    slab = Slab(clean, tissue)
    findings = [*measure_means(slab, clean, contrast="PDw"), *measure_volumes(slab, clean)]
    assert {one.check for one in findings} == {"mean", "contrast", "volume"}
    np.testing.assert_allclose([one.value for one in findings], 0, atol=1e-6)


def test_shifted_means_and_lost_contrast_are_found_out(clean, tissue):
    slab = Slab(clean, tissue)
    shifted = {one.group: one.value for one in measure_means(slab, 1.02 * clean, contrast="PDw") if one.check == "mean"}
    assert shifted == pytest.approx(dict.fromkeys(shifted, 0.02), abs=1e-4) and len(shifted) == 4
    assert "PDw, fat" in shifted
    flat = np.where(tissue == 2, 0.595, clean)
    found = {one.check: one.value for one in measure_means(slab, flat, contrast="T1w") if one.check == "contrast"}
    assert found["contrast"] == pytest.approx(-0.05, abs=1e-3)


def test_volumes_that_drift_are_found_out(clean, tissue):
    grown = np.where((tissue == 3) & (clean > 0) & (np.arange(SHAPE[0])[:, None, None] < 60), 0.58, clean)
    found = {one.group: one.value for one in measure_volumes(Slab(clean, tissue), grown)}
    assert found["T1w, white matter"] < -0.3 and found["T1w, grey matter"] > 0.3 and abs(found["T1w, CSF"]) < 1e-6


def test_error_ratio_is_below_one_only_for_help(clean):
    noisy = Scene("ball", {"plain": clean}, LEVEL).case("plain").noisy
    assert nrmse_ratio(clean, noisy, clean) == 0 and nrmse_ratio(clean, noisy, noisy) == 1
    assert nrmse_ratio(clean, noisy, gaussian_filter(noisy, 6.0)) > 1


def test_artefacts_are_kept_by_an_oracle_and_missed_if_removed(clean):
    scene = artefact_scene("ball", clean, level=LEVEL, kind="white")
    kept = measure_artefacts(scene, oracle(scene))
    assert {one.group for one in kept} == {"ghost", "zipper", "ringing", "wrap"}
    np.testing.assert_allclose([one.value for one in kept], 1, atol=1e-5)
    removed = oracle(scene) | {"zipper": clean}
    assert {one.group: one.value for one in measure_artefacts(scene, removed)}["zipper"] == pytest.approx(0, abs=1e-6)


def test_detail_that_the_truth_lacks_lowers_the_true_frequency():
    rng = np.random.default_rng(0)
    truth = gaussian_filter(rng.standard_normal((96, 96)), 1.5)
    assert np.nanmin(departure_map(truth, truth)) == 1
    invented = gaussian_filter(rng.standard_normal((96, 96)), 1.5)
    wrong = truth.copy()
    wrong[32:64, 32:64] = invented[32:64, 32:64]
    found = departure_map(wrong, truth)
    assert found[1, 1] < 0.3 and found[0, 0] == 1
    assert np.isnan(departure_map(np.zeros((64, 64)), np.zeros((64, 64)))).all()
