"""What the table of known scans is made of."""

from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
from skimage import data

from experiments import known_scans
from monai_unsup_denoise.functional.scan_statistics import NAMES

#: Leaves volumes as they are.
UNCHANGED = SimpleNamespace(wrap=lambda volume: volume, denoise_image=lambda volume: SimpleNamespace(denoised=volume))


def test_first_volume_of_every_scan_in_a_folder_is_taken(tmp_path):
    volumes = np.random.default_rng(0).random((8, 9, 10, 2), dtype=np.float32)
    (tmp_path / "deeper").mkdir()
    for name, volume in (("a.nii.gz", volumes[..., 0]), ("deeper/b.nii.gz", volumes)):
        nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / name)
    (tmp_path / "notes.txt").touch()
    one, other = known_scans.scans_in(UNCHANGED, tmp_path)
    np.testing.assert_allclose(one, known_scans.scaled(volumes[..., 0]), rtol=1e-6)
    np.testing.assert_array_equal(one, other)


def test_scaled_image_does_not_depend_on_its_units():
    image = np.random.default_rng(0).random((8, 9, 10), dtype=np.float32)
    np.testing.assert_allclose(known_scans.scaled(image), known_scans.scaled(1000 * image), rtol=1e-5)


def test_every_scan_counts_whole_and_in_part(monkeypatch, tmp_path):
    image = np.random.default_rng(0).uniform(0.5, 1, (20, 24, 28)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(image, np.eye(4)), tmp_path / "one.nii")
    monkeypatch.setattr(known_scans, "phantom_datalist", lambda *_, **__: [{"image": tmp_path / "one.nii"}])
    found = list(known_scans.known_statistics())
    assert len(found) == 4 and {row.shape for row in found} == {(len(NAMES),)}
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1]), "a part has other statistics"


def test_natural_images_are_stacks_with_noise(monkeypatch):
    monkeypatch.setattr(known_scans, "_IMAGES", ("camera",))
    [stack] = known_scans.natural_images(UNCHANGED)
    clean = known_scans.scaled(np.repeat(data.camera()[:256, :256, None] / np.float32(255), 8, axis=2))
    assert stack.shape == (256, 256, 8)
    assert np.corrcoef(stack.ravel(), clean.ravel())[0, 1] == pytest.approx(0.97, abs=0.03)
    assert not np.array_equal(stack[..., 0], stack[..., 1])
