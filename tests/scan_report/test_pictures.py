"""Pictures and embedded volumes show the right voxels in the right places."""

import base64
import gzip
import io

import nibabel
import numpy as np
import pytest
from PIL import Image

from monai_unsup_denoise.scan_report.planes import Planes
from monai_unsup_denoise.scan_report.viewer import embedded, niivue, viewer_step

AXES = ["RAS", "LPS", "PIR", "ASL"]  # of the voxels in the file
SPACING = {"R": 1.0, "A": 2.0, "S": 3.0}


def as_stored(ras, codes):
    """A volume whose axes point right, anterior, superior, as a file with other axes has it, and its affine."""
    affine = np.diag([SPACING["R"], SPACING["A"], SPACING["S"], 1])
    to = nibabel.orientations.axcodes2ornt(codes)
    image = nibabel.Nifti1Image(ras, affine).as_reoriented(
        nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt("RAS"), to)
    )
    return np.asarray(image.dataobj), image.affine


def pixels(picture):
    assert picture.source.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.source.partition(",")[2]))))


@pytest.mark.parametrize("codes", AXES)
def test_planes_are_shown_as_radiologists_see_them(codes):
    ras = np.zeros((10, 12, 14), dtype=np.float32)
    ras[8, 10, 12] = 100  # right, in front, above
    volume, affine = as_stored(ras, codes)
    center = tuple(int(place[0]) for place in np.nonzero(volume))
    sagittal, coronal, axial = Planes(affine, center).draw(volume, 0, 100)
    # Row and column of the only white pixel: above at the top, in front at the top, the right on the left.
    assert np.argwhere(pixels(sagittal) == 255).tolist() == [[14 - 1 - 12, 10]]
    assert np.argwhere(pixels(coronal) == 255).tolist() == [[14 - 1 - 12, 10 - 1 - 8]]
    assert np.argwhere(pixels(axial) == 255).tolist() == [[12 - 1 - 10, 10 - 1 - 8]]
    assert (sagittal.width, sagittal.height) == (12 * 2, 14 * 3)
    assert (coronal.width, coronal.height) == (10, 14 * 3) and (axial.width, axial.height) == (10, 12 * 2)


def test_planes_of_a_singular_affine_are_those_of_the_file():
    volume = np.zeros((4, 5, 6), dtype=np.float32)
    sagittal, _, axial = Planes(np.diag([1.0, 0, 1, 1]), (2, 2, 3)).draw(volume, 0, 1)
    assert pixels(sagittal).shape == (6, 5) and pixels(axial).shape == (5, 4)


def test_gray_goes_from_low_to_high():
    ramp = np.broadcast_to(np.linspace(-10, 20, 7, dtype=np.float32), (3, 3, 7))
    _, coronal, _ = Planes(np.eye(4), (1, 1, 1)).draw(ramp, 0, 10)
    assert pixels(coronal)[::-1, 0].tolist() == [0, 0, 0, 128, 255, 255, 255]


def test_embedded_volume_is_the_scan_in_256_steps():
    volume = np.random.default_rng(0).uniform(-5, 30, (9, 8, 7)).astype(np.float32)
    affine = np.array([[0, -2.0, 0, 10], [1.5, 0, 0, -20], [0, 0, 3, 5], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(embedded(volume, affine, 0, 20))))
    np.testing.assert_allclose(image.get_fdata(), np.clip(volume, 0, 20), atol=20 / 255 / 2 + 1e-5)
    np.testing.assert_allclose(image.affine, affine)
    assert not image.header.extensions and image.header["descrip"].item() == b""


def test_a_large_scan_is_thinned_out_in_place(monkeypatch):
    monkeypatch.setattr("monai_unsup_denoise.scan_report.viewer._MOST", 100)
    volume = np.arange(512, dtype=np.float32).reshape(8, 8, 8)
    assert viewer_step(volume.size) == 2
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(embedded(volume, np.eye(4), 0, 511))))
    assert image.shape == (4, 4, 4)
    at = image.affine @ [3, 2, 1, 1]
    assert image.get_fdata()[3, 2, 1] == pytest.approx(volume[tuple(at[:3].astype(int))], abs=1.1)


def test_the_viewer_comes_with_its_licence(repository):
    program = gzip.decompress(base64.b64decode(niivue())).decode()
    assert "niivue" in program[:400] and "</script" not in program
    licence = (repository / "monai_unsup_denoise/scan_report/niivue/LICENSE").read_text()
    assert "BSD 2-Clause" in licence and "@niivue/niivue" in licence
