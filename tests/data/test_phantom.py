"""The phantom: signals that obey the signal equation, geometry that is true, a cache that can be trusted."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.data.phantom import anatomy, datalist
from monai_unsup_denoise.data.phantom.acquisition import acquire, largest
from monai_unsup_denoise.data.phantom.contrast import (
    BONE,
    CSF,
    FAT,
    GREY,
    MUSCLE,
    TISSUES,
    WHITE,
    relaxation,
    spin_echo,
    spoiled_flash,
)
from monai_unsup_denoise.data.phantom.fields import coverage, signed_distance, smooth_noise
from monai_unsup_denoise.data.phantom.scalp import fill_skull, fill_soft_tissue
from monai_unsup_denoise.data.phantom.template import load_template


def read(path: str) -> np.ndarray:
    return nibabel.load(path).get_fdata(dtype=np.float32)


def find(items: list[dict], subject: int, contrast: str) -> dict:
    return next(item for item in items if (item["subject"], item["contrast"]) == (subject, contrast))


@pytest.fixture(scope="module")
def template(phantom_cache):
    return load_template(phantom_cache, spacing=4)


@pytest.fixture(scope="module")
def fractions(template) -> torch.Tensor:
    return anatomy.draw_anatomy(*template, rng=np.random.default_rng(1))


# --- the signal equation


def test_signals_are_those_of_bloch_simulated_pulse_by_pulse():
    tissue = relaxation()
    tr, flip = 18.0, np.deg2rad(30)
    longitudinal = np.ones(len(TISSUES))
    for _ in range(2000):  # spoiled: transverse magnetisation is gone before each pulse
        longitudinal = 1 + (longitudinal * np.cos(flip) - 1) * np.exp(-tr / tissue.t1)
    steady = tissue.density * longitudinal * np.sin(flip) * np.exp(-10 / tissue.t2_star)
    np.testing.assert_allclose(spoiled_flash(tissue, tr=tr, te=10, flip=30), steady, rtol=1e-6)

    recovered = tissue.density * (1 - np.exp(-3300 / tissue.t1))
    np.testing.assert_allclose(spin_echo(tissue, tr=3300, te=35), recovered * np.exp(-35 / tissue.t2), rtol=1e-12)


@pytest.mark.parametrize(
    ("contrast", "from_dark_to_bright"),
    [("T1w", (BONE, CSF, GREY, WHITE)), ("PDw", (BONE, WHITE, GREY)), ("T2w", (BONE, WHITE, GREY, CSF))],
)
def test_each_contrast_ranks_the_tissues_as_radiologists_know_it(contrast, from_dark_to_bright):
    slabs = torch.zeros(len(TISSUES), 7 * len(TISSUES), 20, 20)
    slabs[0] = 1
    for label in range(1, len(TISSUES)):  # side by side, air around
        slabs[:, 7 * label : 7 * label + 7, 4:-4, 4:-4] = torch.eye(len(TISSUES))[label][:, None, None, None]
    fat_is_brightest = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        scan = acquire(slabs, np.eye(4), relaxation(rng), contrast=contrast, axis=2, thickness=1, rng=rng)
        means = [scan.image[scan.tissue == label].mean() for label in from_dark_to_bright]
        pairs = zip(means, means[1:], strict=False)
        assert all(darker < 1.01 * brighter for darker, brighter in pairs), f"seed {seed}: {means}"  # 1 %: texture
        assert (scan.image[scan.tissue == 0] == 0).all()
        fat_is_brightest.append(scan.image[scan.tissue == FAT].mean() > means[-1])
    if contrast == "T1w":
        assert 5 <= sum(fat_is_brightest) < 10, "but where it was suppressed"


# --- anatomy


def test_fractions_fill_each_voxel_and_nothing_but_air_lies_at_the_border(fractions):
    torch.testing.assert_close(fractions.sum(0), torch.ones_like(fractions[0]), atol=1e-5, rtol=0)
    assert fractions.min() >= 0
    assert (fractions[0, 0] == 1).all() and (fractions[0, -1] == 1).all()
    assert (fractions.mean((1, 2, 3)) > 0.004).all(), "some tissue is missing"


def test_labels_are_the_largest_fraction(fractions):
    values, index = fractions.max(0)
    torch.testing.assert_close(fractions.gather(0, largest(fractions)[None].long())[0], values)
    unique = (fractions == values).sum(0) == 1
    assert torch.equal(largest(fractions)[unique].long(), index[unique])


def test_the_cortex_is_a_ribbon_beside_sulci_as_in_a_single_person(phantom_cache):
    """2 to 4 mm thick, 2.5 on average, in adults: Fischl and Dale, PNAS 97 (2000) 11050. An average head is thicker."""
    maps, affine = load_template(phantom_cache, spacing=1)
    top = maps[..., maps.shape[3] // 2 :]  # above the deep nuclei
    labels = largest(anatomy.draw_anatomy(top, affine, rng=np.random.default_rng(0), stripped=True)).numpy()
    brain = ndimage.binary_fill_holes(ndimage.binary_closing((labels == GREY) | (labels == WHITE), iterations=4))
    cortex = (labels == GREY) & (ndimage.distance_transform_edt(brain) < 15)
    to_border = ndimage.distance_transform_edt(labels == GREY) - 0.5  # a quarter of the thickness on average
    assert 2 < 4 * to_border[cortex].mean() < 4
    to_fluid = ndimage.distance_transform_edt((labels != CSF) & (labels != 0))
    assert (to_fluid[cortex] <= 4).mean() > 0.9


@pytest.fixture
def plane() -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """Height in mm above a plane through the first voxel of four, 0.25 mm each; and noise that is zero everywhere."""
    height = torch.arange(0, 40, 0.25).reshape(-1, 1, 1).expand(-1, 4, 4).contiguous()
    return height, (torch.zeros_like(height), torch.zeros_like(height))


@pytest.mark.parametrize("seed", range(5))
def test_marrow_lies_between_two_tables_of_compact_bone(plane, seed):
    height, fields = plane
    fractions = torch.zeros(len(TISSUES), *height.shape)
    skull, thickness = (height < 8).float(), torch.full_like(height, 8.0)
    fill_skull(fractions, skull, height, thickness, fields, np.random.default_rng(seed), edge=1.0)
    torch.testing.assert_close(fractions.sum(0), skull)
    bone, marrow = fractions[BONE, :, 0, 0], (fractions[FAT] + fractions[MUSCLE])[:, 0, 0]
    assert bone[0] == bone[31] == 1, "the tables"
    assert marrow.max() > 0.1 and marrow[12:20].max() == marrow.max(), "3 to 5 mm up"
    assert marrow[32:].max() == 0, "above the skull"


@pytest.mark.parametrize("seed", range(5))
def test_skin_is_outermost_and_fat_lies_under_it(plane, seed):
    depth, fields = plane
    fractions = torch.zeros(len(TISSUES), *depth.shape)
    fill_soft_tissue(fractions, depth, fields, np.random.default_rng(seed), edge=0.25, spacing=0.25)
    torch.testing.assert_close(fractions.sum(0), torch.ones_like(depth))
    by_depth = fractions[:, :, 0, 0]
    assert by_depth[MUSCLE, :3].min() >= 0.8, "skin is 0.8 mm thick at least"
    below_skin = int((by_depth[FAT] >= 0.4).nonzero()[0])
    assert 3 <= below_skin <= 13, "skin is 3 mm thick at most"
    assert (by_depth[FAT, below_skin + 1 : below_skin + 3] >= 0.4).all(), "fat is 0.7 mm thick at least"


def test_scalps_differ_in_thickness_and_kind_of_their_layers(plane):
    depth, fields = plane
    profiles = []
    for seed in range(20):
        fractions = torch.zeros(len(TISSUES), *depth.shape)
        fill_soft_tissue(fractions, depth, fields, np.random.default_rng(seed), edge=1.0, spacing=0.25)
        profiles.append(fractions[[FAT, MUSCLE, BONE], 4:28, 0, 0])  # 1 to 7 mm deep
    assert (torch.stack(profiles).std(0).mean(-1) > torch.tensor([0.25, 0.25, 0.1])).all()


def test_fat_is_suppressed_in_some_scans_in_part(fractions, template):
    """Half the field of view fat, half white matter: PD-weighted, the ratio is about 1 where nothing is suppressed."""
    flat = torch.zeros_like(fractions)
    flat[FAT, : flat.shape[1] // 2] = flat[WHITE, flat.shape[1] // 2 :] = 1.0
    ratios = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scan = acquire(flat, template[1], relaxation(), contrast="PDw", axis=2, thickness=1, rng=rng)
        ratios.append(np.median(scan.image[scan.tissue == FAT]) / np.median(scan.image[scan.tissue == WHITE]))
    suppressed = np.array(ratios) < 0.85
    assert 5 < suppressed.sum() < 20, "three scans in ten"
    assert min(ratios) > 0.1, "never to nothing"


def test_a_stripped_head_has_no_fat_muscle_or_bone(phantoms):
    labels = set(np.unique(read(find(phantoms, 4, "T1w")["tissue"])))
    assert labels == {0, CSF, GREY, WHITE}


def test_distance_and_coverage_of_a_plane_are_exact():
    x = torch.arange(20.0)[:, None, None].expand(20, 8, 8)
    distance = signed_distance(0.25 * (x - 9.3))
    torch.testing.assert_close(distance[1:-1], (x - 9.3)[1:-1], atol=0.05, rtol=0.01)
    assert coverage(distance).sum(0)[4, 4] == pytest.approx(20 - 9.3 - 0.5, abs=0.05)


@pytest.mark.parametrize("scale", [2.0, 5.0, 12.0])
def test_noise_has_unit_variance_and_the_correlation_length_asked_for(scale):
    noise = smooth_noise(np.random.default_rng(0), (96, 96, 96), scale=scale).numpy()
    assert noise.std() == pytest.approx(1, abs=0.35) and abs(noise.mean()) < 0.2

    def correlation(shift: int) -> float:
        return float(np.corrcoef(noise[:-shift].ravel(), noise[shift:].ravel())[0, 1])

    assert correlation(round(scale / 2)) > 0.5 > 0.25 > correlation(round(2 * scale))


# --- the scan


def test_background_is_exactly_zero_and_the_head_is_not(phantoms):
    for item in phantoms:
        image, tissue = read(item["image"]), read(item["tissue"])
        outside = ndimage.binary_erosion(tissue == 0, iterations=2, border_value=1)
        if item["subject"] != 4:  # else inner air is outside too
            outside &= ~ndimage.binary_fill_holes(tissue > 0)
        corners = image[:: image.shape[0] - 1, :: image.shape[1] - 1, -1]
        assert (corners == 0).all()
        assert (image[outside] == 0).mean() > 0.97
        assert (image >= 0).all() and (image[tissue == WHITE] > 0).all()


def test_the_affine_puts_every_scan_of_a_subject_in_the_same_place(phantoms):
    """Centre of the white matter in mm: the same person, whatever slice axis, thickness and field of view."""
    for subject in range(3):
        centres = []
        for contrast in ("T1w", "PDw", "T2w"):
            tissue = nibabel.load(find(phantoms, subject, contrast)["tissue"])
            centre = np.array(ndimage.center_of_mass(np.asarray(tissue.dataobj) == WHITE))
            centres.append(nibabel.affines.apply_affine(tissue.affine, centre))
        np.testing.assert_allclose(centres, np.broadcast_to(centres[0], (3, 3)), atol=4)


def test_the_field_of_view_moves_no_voxel(template, fractions):
    affine = template[1]
    expected = nibabel.affines.apply_affine(affine, ndimage.center_of_mass(largest(fractions).numpy() == WHITE))
    for axis in range(3):
        rng = np.random.default_rng(axis)
        scan = acquire(fractions, affine, relaxation(), contrast="T1w", axis=axis, thickness=1, rng=rng)
        centre = ndimage.center_of_mass(scan.tissue == WHITE)
        np.testing.assert_allclose(nibabel.affines.apply_affine(scan.affine, centre), expected, atol=1e-6)
        assert scan.image.size < fractions[0].numel()


def test_slices_lie_on_the_last_axis_and_half_of_the_scans_are_isotropic(phantoms):
    spacings = np.array([nibabel.load(item["image"]).header.get_zooms() for item in phantoms])
    np.testing.assert_allclose(spacings[:, :2], 4)
    ratio = spacings[:, 2] / 4
    assert np.isin(ratio, [1, 2, 3, 4, 5]).all() and 0.4 <= (ratio == 1).mean() <= 0.6
    codes = {nibabel.aff2axcodes(nibabel.load(item["image"]).affine)[2] for item in phantoms}
    assert codes == {"R", "A", "S"}


def test_a_thick_slice_is_the_mean_of_its_thin_ones_and_lies_at_their_centre(template, fractions):
    scans = [
        acquire(
            fractions,
            template[1],
            relaxation(),
            contrast="T2w",
            axis=1,
            thickness=thickness,
            rng=np.random.default_rng(0),
        )
        for thickness in (1, 3)
    ]
    thin, thick = scans
    count = thick.image.shape[2]
    means = thin.image[..., : 3 * count].reshape(*thin.image.shape[:2], count, 3).mean(-1)
    np.testing.assert_allclose(thick.image, means, rtol=1e-4, atol=1e-3)
    middle = np.array([5, 6, 7, 1.0])
    np.testing.assert_allclose(thick.affine @ middle, thin.affine @ [5, 6, 3 * 7 + 1, 1.0])
    assert abs(np.linalg.det(thick.affine)) == pytest.approx(3 * 4**3)


def test_files_use_all_of_16_bits_and_zero_stays_zero(phantoms):
    image = nibabel.load(phantoms[0]["image"])
    stored = np.asarray(image.dataobj.get_unscaled())
    assert stored.dtype == np.int16 and stored.max() == np.iinfo(np.int16).max and image.dataobj.inter == 0
    assert 150 < image.dataobj.slope * stored.max() < 6000
    assert nibabel.load(phantoms[0]["tissue"]).get_data_dtype() == np.uint8


# --- seeds and subjects


def test_a_scan_depends_on_seed_subject_and_contrast_alone(phantoms, tmp_path, phantom_cache):
    os.link(phantom_cache / "template_v1_4mm.npz", tmp_path / "template_v1_4mm.npz")
    (again,) = phantom_datalist(tmp_path, [2], contrasts=["PDw"], spacing=4, progress=False)
    for key in ("image", "tissue"):
        assert Path(again[key]).read_bytes() == Path(find(phantoms, 2, "PDw")[key]).read_bytes()
    (other,) = phantom_datalist(tmp_path, [2], contrasts=["PDw"], spacing=4, seed=1, progress=False)
    assert Path(other["image"]).read_bytes() != Path(again["image"]).read_bytes()


def test_another_seed_is_another_person(phantoms, phantom_cache):
    (other,) = phantom_datalist(
        phantom_cache, [2], contrasts=["T1w"], spacing=4, seed=1, progress=False
    )  # isotropic in both, so that the number of voxels is the volume
    white = [(read(item["tissue"]) == WHITE).sum() for item in (find(phantoms, 2, "T1w"), other)]
    assert white[0] != white[1]


def test_subjects_differ_in_anatomy(template):
    labels = [largest(anatomy.draw_anatomy(*template, rng=np.random.default_rng([0, subject]))) for subject in (0, 1)]
    brains = [(label == GREY) | (label == WHITE) for label in labels]
    dice = 2 * (brains[0] & brains[1]).sum() / (brains[0].sum() + brains[1].sum())
    assert 0.6 < dice < 0.95


def test_items_name_every_subject_and_contrast_once(phantoms):
    assert [(item["subject"], item["contrast"]) for item in phantoms] == [
        (subject, contrast) for subject in range(5) for contrast in ("T1w", "PDw", "T2w")
    ]
    assert all(os.path.isfile(item[key]) for item in phantoms for key in ("image", "tissue"))


# --- the cache


def test_the_cache_is_read_not_made_again(phantoms, phantom_cache, monkeypatch):
    monkeypatch.setattr(datalist, "draw_anatomy", lambda *_, **__: pytest.fail("drawn again"))
    assert phantom_datalist(phantom_cache, 5, spacing=4, progress=False) == phantoms


def test_an_interrupted_write_leaves_no_file_and_the_next_run_completes_it(phantom_cache, phantoms, monkeypatch):
    item = find(phantoms, 0, "T1w")
    whole = Path(item["image"]).read_bytes()
    Path(item["image"]).unlink()

    def interrupted(image, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nibabel, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            phantom_datalist(phantom_cache, [0], spacing=4, progress=False)
    assert not Path(item["image"]).exists()
    assert not list(Path(item["image"]).parent.glob(".partial*"))
    phantom_datalist(phantom_cache, [0], spacing=4, progress=False)
    assert Path(item["image"]).read_bytes() == whole


def test_the_default_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path))
    assert datalist.default_cache_dir() == tmp_path
    monkeypatch.delenv("MRI_DENOISE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert datalist.default_cache_dir() == tmp_path / "monai_unsup_denoise"


@pytest.mark.parametrize(
    ("subjects", "contrasts", "message"),
    [(0, ["T1w"], "subjects: 0"), ([-1], ["T1w"], r"subjects: \[-1\]"), (1, ["FLAIR"], "FLAIR.*T1w")],
)
def test_impossible_requests_say_what_to_ask_for(tmp_path, subjects, contrasts, message):
    with pytest.raises(ValueError, match=message):
        phantom_datalist(tmp_path, subjects, contrasts=contrasts)
