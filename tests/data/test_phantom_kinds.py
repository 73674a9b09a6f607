"""Kinds of phantoms for a wider world: random signals, finer voxels, test objects; the older ones unchanged."""

from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.data.phantom import quality_object
from monai_unsup_denoise.data.phantom.acquisition import Scan
from monai_unsup_denoise.data.phantom.contrast import CONTRASTS, CSF, GREY, MUSCLE, TISSUES, WHITE, relaxation
from monai_unsup_denoise.data.phantom.quality_object import draw_object
from monai_unsup_denoise.data.phantom.template import magnified_part
from monai_unsup_denoise.data.phantom.variation import receive_field, strip_skull, vary
from tests.data.phantom_items import find, read

OLDER = {
    (0, "T1w"): ((50, 59, 44), 6665.274),
    (1, "PDw"): ((49, 46, 58), 8261.408),
    (2, "T2w"): ((58, 45, 50), 5267.503),
    (4, "T1w"): ((46, 40, 48), 8654.773),
}


@pytest.fixture(scope="module", autouse=True)
def small_objects() -> Iterator[None]:
    """Test objects of an eighth of the voxels, to save time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality_object, "_SIDE", 48)
        yield


@pytest.fixture(scope="module")
def wider(small_objects, phantom_cache) -> list[dict]:
    return phantom_datalist(phantom_cache, 2, contrasts=["random", "fine", "QA"], spacing=4, progress=False)


def test_older_scans_keep_their_voxels(phantoms):
    """Mean of the stored integers and shape, as in version 0.5; the weights were trained on them."""
    for (subject, contrast), (shape, mean) in OLDER.items():
        image = nibabel.load(find(phantoms, subject, contrast)["image"])
        assert image.shape == shape
        assert np.asarray(image.dataobj.get_unscaled()).mean() == pytest.approx(mean, rel=1e-4)


def test_new_kinds_beside_a_scan_do_not_change_it(phantoms, phantom_cache, tmp_path):
    (tmp_path / "template_v1_4mm.npz").symlink_to(phantom_cache / "template_v1_4mm.npz")
    both = phantom_datalist(tmp_path, [1], contrasts=["QA", "fine", "random", "T1w"], spacing=4, progress=False)
    assert Path(both[-1]["image"]).read_bytes() == Path(find(phantoms, 1, "T1w")["image"]).read_bytes()


def test_new_kinds_depend_on_seed_and_subject(wider, phantom_cache, tmp_path):
    (tmp_path / "template_v1_4mm.npz").symlink_to(phantom_cache / "template_v1_4mm.npz")
    settings = {"contrasts": ["random", "fine", "QA"], "spacing": 4, "progress": False}
    again = phantom_datalist(tmp_path, [1], **settings)
    other = phantom_datalist(tmp_path, [1], seed=1, **settings)
    for item, changed in zip(again, other, strict=True):
        content = Path(item["image"]).read_bytes()
        assert content == Path(find(wider, 1, item["contrast"])["image"]).read_bytes()
        assert content != Path(changed["image"]).read_bytes()


def test_fine_voxels_have_half_the_size(wider):
    for subject in (0, 1):
        item = find(wider, subject, "fine")
        zooms = nibabel.load(item["image"]).header.get_zooms()
        assert zooms[0] == zooms[1] == 2 and zooms[2] in (2, 4, 6, 8, 10)
        assert {GREY, WHITE} <= set(np.unique(read(item["tissue"]))) and read(item["image"]).min() == 0


def test_a_magnified_part_keeps_its_place(template):
    """A map that is linear in x, y and z stays so, in mm."""
    maps, affine = template
    index = np.stack(np.meshgrid(*(np.arange(n) for n in maps.shape[1:]), indexing="ij"))
    world = np.einsum("ij,jxyz->ixyz", affine[:3, :3], index) + affine[:3, 3].reshape(3, 1, 1, 1)
    part, moved = magnified_part(world, affine, rng=np.random.default_rng(0))
    last = np.array(part.shape[1:]) - 1
    np.testing.assert_allclose(part[:, 0, 0, 0], moved[:3, 3], atol=1e-3)
    np.testing.assert_allclose(part[(slice(None), *last)], (moved @ [*last, 1])[:3], atol=1e-3)


def test_random_signals_rank_tissues_in_any_order():
    signals = np.array([CONTRASTS["random"](relaxation(), np.random.default_rng(seed)) for seed in range(300)])
    assert (signals[:, 0] == 0).all() and signals.min() >= 0 and signals.max() <= 1
    orders = {tuple(row) for row in np.argsort(signals[:, [CSF, GREY, WHITE]], axis=1)}
    assert len(orders) == 6


def blob() -> Scan:
    """A brain of radius 8 in muscle of radius 14, and a sinus in the brain."""
    radius = np.linalg.norm(np.indices((32, 32, 32)) - 16, axis=0)
    tissue = np.where(radius < 8, WHITE, np.where(radius < 14, MUSCLE, 0)).astype(np.uint8)
    tissue[16, 16, 16] = MUSCLE
    return Scan((tissue > 0).astype(np.float32), tissue, np.eye(4))


@pytest.mark.parametrize("grow", [-1, 0, 2])
def test_stripping_leaves_the_brain_and_exact_zeros(grow):
    scan = strip_skull(blob(), grow=grow)
    radius = np.linalg.norm(np.indices((32, 32, 32)) - 16, axis=0)
    assert (scan.image[radius < 6.5] == 1).all() and (scan.image[radius > 10.5] == 0).all()
    assert (scan.image > 0).sum() == pytest.approx(4 / 3 * np.pi * (8 + 0.8 * grow) ** 3, rel=0.15)
    assert (scan.tissue[scan.image == 0] == 0).all()


def test_some_scans_are_stripped_and_some_are_shaded():
    scans = [vary(blob(), np.random.default_rng(seed)) for seed in range(60)]
    stripped = [scan.image[16, 16, 4] == 0 for scan in scans]
    shaded = [len(np.unique(scan.image)) > 2 for scan in scans]
    assert 10 < sum(stripped) < 30 and 20 < sum(shaded) < 40


def test_receive_field_is_smooth_and_highest_near_a_coil():
    spreads = []
    for seed in range(20):
        field = receive_field((48, 48, 24), np.array([1.0, 1.0, 2.0]), rng=np.random.default_rng(seed))
        assert field.max() == 1 and field.min() > 0
        assert all(field.diff(dim=axis).abs().max() < 0.2 for axis in range(3))
        edge = field.clone()
        edge[1:-1, 1:-1, 1:-1] = 0
        assert edge.max() > 0.95
        spreads.append(float(1 / field.min()))
    assert np.median(spreads) > 3, "strong"


@pytest.mark.parametrize(("radius", "thickness"), [(5.0, 1), (20.0, 1), (20.0, 4)])
def test_a_ball_has_its_nominal_volume(radius, thickness):
    points = quality_object._points(thickness, np.random.default_rng(0))
    ball = quality_object._voxels(quality_object._inside(quality_object._ball(points, radius)), thickness)
    assert float(ball.sum()) * thickness == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)


def test_test_objects_show_all_bodies_and_fillings():
    for number in range(12):
        scan = draw_object(number, rng=np.random.default_rng(number))
        spacing = np.diag(scan.affine)[:3]
        assert (scan.image[0] == 0).all() and (scan.image[-1] == 0).all() and scan.image.min() >= 0
        assert set(np.unique(scan.tissue)) == {0, CSF} and 0.5 <= spacing[0] <= 3.5 and spacing[2] <= 10.01
        assert (spacing[2] > spacing[0]) == (number % 2 == 1)
        inside = ndimage.binary_erosion(scan.tissue > 0)
        assert inside.sum() > 20 and scan.image[inside].min() > 0


def test_holes_and_walls_are_dark_in_water():
    points = quality_object._points(4, np.random.default_rng(1))
    for fill in (quality_object._holes, quality_object._grid, quality_object._inserts):
        signal = fill(points, 20.0, np.random.default_rng(3))
        assert signal.min() < 0.05 and signal.max() <= 1.5 and torch.isfinite(signal).all()
        assert 0.2 < float((signal == 1).float().mean()) < 0.999, "mostly water"


def test_tissue_labels_of_objects_are_labels_of_the_phantom(wider):
    assert {int(label) for label in np.unique(read(find(wider, 0, "QA")["tissue"]))} <= set(range(len(TISSUES)))
