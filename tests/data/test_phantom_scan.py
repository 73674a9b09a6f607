"""Scans of the phantom: background, geometry, slices and files."""

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from monai_unsup_denoise.data.phantom.acquisition import acquire, largest
from monai_unsup_denoise.data.phantom.contrast import WHITE, relaxation
from tests.data.phantom_items import find, read


def test_background_is_exactly_zero(phantoms):
    for item in phantoms:
        image, tissue = read(item["image"]), read(item["tissue"])
        outside = ndimage.binary_erosion(tissue == 0, iterations=2, border_value=1)
        if item["subject"] != 4:  # air in the head counts as outside too
            outside &= ~ndimage.binary_fill_holes(tissue > 0)
        corners = image[:: image.shape[0] - 1, :: image.shape[1] - 1, -1]
        assert (corners == 0).all()
        assert (image[outside] == 0).mean() > 0.97
        assert (image >= 0).all() and (image[tissue == WHITE] > 0).all()


def test_affine_aligns_all_scans_of_a_subject(phantoms):
    """Centre of the white matter in mm: the same for every slice axis, thickness and field of view."""
    for subject in range(3):
        centres = []
        for contrast in ("T1w", "PDw", "T2w"):
            tissue = nibabel.load(find(phantoms, subject, contrast)["tissue"])
            centre = np.array(ndimage.center_of_mass(np.asarray(tissue.dataobj) == WHITE))
            centres.append(nibabel.affines.apply_affine(tissue.affine, centre))
        np.testing.assert_allclose(centres, np.broadcast_to(centres[0], (3, 3)), atol=4)


def test_field_of_view_moves_no_voxel(template, fractions):
    affine = template[1]
    expected = nibabel.affines.apply_affine(affine, ndimage.center_of_mass(largest(fractions).numpy() == WHITE))
    for axis in range(3):
        rng = np.random.default_rng(axis)
        scan = acquire(fractions, affine, relaxation(), contrast="T1w", axis=axis, thickness=1, rng=rng)
        centre = ndimage.center_of_mass(scan.tissue == WHITE)
        np.testing.assert_allclose(nibabel.affines.apply_affine(scan.affine, centre), expected, atol=1e-6)
        assert scan.image.size < fractions[0].numel()


def test_slices_are_the_last_axis_in_half_of_the_scans_thick(phantoms):
    spacings = np.array([nibabel.load(item["image"]).header.get_zooms() for item in phantoms])
    np.testing.assert_allclose(spacings[:, :2], 4)
    ratio = spacings[:, 2] / 4
    assert np.isin(ratio, [1, 2, 3, 4, 5]).all() and 0.4 <= (ratio == 1).mean() <= 0.6
    codes = {nibabel.aff2axcodes(nibabel.load(item["image"]).affine)[2] for item in phantoms}
    assert codes == {"R", "A", "S"}


def test_thick_slice_is_the_mean_of_thin_ones(template, fractions):
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


def test_files_use_the_full_16_bit_range(phantoms):
    image = nibabel.load(phantoms[0]["image"])
    stored = np.asarray(image.dataobj.get_unscaled())
    assert stored.dtype == np.int16 and stored.max() == np.iinfo(np.int16).max and image.dataobj.inter == 0
    assert 150 < image.dataobj.slope * stored.max() < 6000
    assert nibabel.load(phantoms[0]["tissue"]).get_data_dtype() == np.uint8
