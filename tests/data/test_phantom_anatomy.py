"""Anatomy of the phantom: fractions, layers and distances."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_unsup_denoise.data.phantom.acquisition import largest
from monai_unsup_denoise.data.phantom.anatomy import draw_anatomy
from monai_unsup_denoise.data.phantom.contrast import BONE, CSF, FAT, GREY, MUSCLE, TISSUES, WHITE
from monai_unsup_denoise.data.phantom.fields import Detail, Grid, coverage, signed_distance, smooth_noise
from monai_unsup_denoise.data.phantom.scalp import fill_skull, fill_soft_tissue
from monai_unsup_denoise.data.phantom.template import load_template
from tests.data.phantom_items import find, read


def test_fractions_sum_to_one_with_background_at_the_border(fractions):
    torch.testing.assert_close(fractions.sum(0), torch.ones_like(fractions[0]), atol=1e-5, rtol=0)
    assert fractions.min() >= 0
    assert (fractions[0, 0] == 1).all() and (fractions[0, -1] == 1).all()
    assert (fractions.mean((1, 2, 3)) > 0.004).all(), "some tissue is missing"


def test_labels_are_the_largest_fraction(fractions):
    values, index = fractions.max(0)
    torch.testing.assert_close(fractions.gather(0, largest(fractions)[None].long())[0], values)
    unique = (fractions == values).sum(0) == 1
    assert torch.equal(largest(fractions)[unique].long(), index[unique])


def test_cortex_is_a_ribbon_of_anatomical_thickness(phantom_cache):
    """2 to 4 mm thick, 2.5 on average, in adults: Fischl and Dale, PNAS 97 (2000) 11050. An average head is thicker."""
    maps, affine = load_template(phantom_cache, spacing=1)
    top = maps[..., maps.shape[3] // 2 :]  # above the deep nuclei
    labels = largest(draw_anatomy(top, affine, rng=np.random.default_rng(0), stripped=True)).numpy()
    brain = ndimage.binary_fill_holes(ndimage.binary_closing((labels == GREY) | (labels == WHITE), iterations=4))
    cortex = (labels == GREY) & (ndimage.distance_transform_edt(brain) < 15)
    to_border = ndimage.distance_transform_edt(labels == GREY) - 0.5  # a quarter of the thickness on average
    assert 2 < 4 * to_border[cortex].mean() < 4
    to_fluid = ndimage.distance_transform_edt((labels != CSF) & (labels != 0))
    assert (to_fluid[cortex] <= 4).mean() > 0.9


@pytest.fixture
def plane() -> torch.Tensor:
    """Height in mm above a plane, on voxels of 0.25 mm."""
    return torch.arange(0, 40, 0.25).reshape(-1, 1, 1).expand(-1, 4, 4).contiguous()


def plain(height: torch.Tensor, seed: int, *, edge: float) -> tuple[Grid, Detail]:
    """The voxels of ``plane``, and no individual detail."""
    flat = torch.zeros_like(height)
    return Grid(np.random.default_rng(seed), tuple(height.shape), 0.25), Detail(flat, flat, edge)


@pytest.mark.parametrize("seed", range(5))
def test_marrow_is_enclosed_by_compact_bone(plane, seed):
    fractions = torch.zeros(len(TISSUES), *plane.shape)
    height, skull, thickness = plane, (plane < 8).float(), torch.full_like(plane, 8.0)
    fill_skull(fractions, skull, height, thickness, *plain(height, seed, edge=1.0))
    torch.testing.assert_close(fractions.sum(0), skull)
    bone, marrow = fractions[BONE, :, 0, 0], (fractions[FAT] + fractions[MUSCLE])[:, 0, 0]
    assert bone[0] == bone[31] == 1, "the tables"
    assert marrow.max() > 0.1 and marrow[12:20].max() == marrow.max(), "3 to 5 mm up"
    assert marrow[32:].max() == 0, "above the skull"


@pytest.mark.parametrize("seed", range(5))
def test_skin_is_outermost_with_fat_below(plane, seed):
    fractions = torch.zeros(len(TISSUES), *plane.shape)
    fill_soft_tissue(fractions, plane, *plain(plane, seed, edge=0.25))
    torch.testing.assert_close(fractions.sum(0), torch.ones_like(plane))
    by_depth = fractions[:, :, 0, 0]
    assert by_depth[MUSCLE, :3].min() >= 0.8, "skin is 0.8 mm thick at least"
    below_skin = int((by_depth[FAT] >= 0.4).nonzero()[0])
    assert 3 <= below_skin <= 13, "skin is 3 mm thick at most"
    assert (by_depth[FAT, below_skin + 1 : below_skin + 3] >= 0.4).all(), "fat is 0.7 mm thick at least"


def test_scalp_layers_differ_between_subjects(plane):
    profiles = []
    for seed in range(20):
        fractions = torch.zeros(len(TISSUES), *plane.shape)
        fill_soft_tissue(fractions, plane, *plain(plane, seed, edge=1.0))
        profiles.append(fractions[[FAT, MUSCLE, BONE], 4:28, 0, 0])  # 1 to 7 mm deep
    assert (torch.stack(profiles).std(0).mean(-1) > torch.tensor([0.25, 0.25, 0.1])).all()


def test_stripped_head_has_no_fat_muscle_or_bone(phantoms):
    labels = set(np.unique(read(find(phantoms, 4, "T1w")["tissue"])))
    assert labels == {0, CSF, GREY, WHITE}


def test_distance_and_coverage_of_a_plane_are_exact():
    x = torch.arange(20.0)[:, None, None].expand(20, 8, 8)
    distance = signed_distance(0.25 * (x - 9.3))
    torch.testing.assert_close(distance[1:-1], (x - 9.3)[1:-1], atol=0.05, rtol=0.01)
    assert coverage(distance).sum(0)[4, 4] == pytest.approx(20 - 9.3 - 0.5, abs=0.05)


@pytest.mark.parametrize("scale", [2.0, 5.0, 12.0])
def test_smooth_noise_has_unit_variance_and_given_scale(scale):
    noise = smooth_noise(np.random.default_rng(0), (96, 96, 96), scale=scale).numpy()
    assert noise.std() == pytest.approx(1, abs=0.35) and abs(noise.mean()) < 0.2

    def correlation(shift: int) -> float:
        return float(np.corrcoef(noise[:-shift].ravel(), noise[shift:].ravel())[0, 1])

    assert correlation(round(scale / 2)) > 0.5 > 0.25 > correlation(round(2 * scale))
