"""The model that comes with the bundle, as `make train` makes it, on volumes that it has never seen."""

from __future__ import annotations

from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.io.volume_writer import write_volume

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def denoiser() -> Denoiser:
    return Denoiser.from_bundle(Path(__file__).parents[2] / "bundles" / "brain_mri_denoise")


@pytest.mark.parametrize("name", ["t1w_1mm_pn0_rf0.nii.gz", "pdw_te10_tr2000_5mm_noise0.nii.gz"])
def test_brainweb_with_15_percent_noise_comes_back_above_26_db_with_its_noise_level_within_10_percent(
    denoiser: Denoiser, data_dir: Path, tmp_path: Path, name: str
) -> None:
    image = nibabel.load(data_dir / "brainweb" / name)
    clean = np.asarray(image.dataobj, dtype=np.float64)
    sigma, rng = 0.15 * clean.max(), np.random.default_rng(0)
    noisy = np.hypot(clean + sigma * rng.standard_normal(clean.shape), sigma * rng.standard_normal(clean.shape))
    nibabel.save(nibabel.Nifti1Image(noisy.astype(np.float32), image.affine), tmp_path / "noisy.nii")

    volume = denoiser.denoise(tmp_path / "noisy.nii")

    psnr = peak_signal_noise_ratio(clean, volume.denoised.astype(np.float64), data_range=clean.max())
    print(f"{name}: PSNR {psnr:.2f} dB, sigma {volume.sigma / sigma:.3f} of the truth")
    assert psnr >= 26
    assert volume.sigma == pytest.approx(sigma, rel=0.1)


def test_the_real_noisy_scan_keeps_its_geometry_exactly(denoiser: Denoiser, data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "real" / "t1w_noisy_3t_0.7mm.nii.gz"
    volume = denoiser.denoise(source)
    write_volume(tmp_path / "out.nii.gz", volume.denoised, source=source, affine=volume.affine)
    before, after = nibabel.load(source), nibabel.load(tmp_path / "out.nii.gz")
    assert before.shape == after.shape
    np.testing.assert_array_equal(before.affine, after.affine)
    assert before.get_qform(coded=True)[1] == after.get_qform(coded=True)[1]
    assert 0 < volume.sigma_percent < 15


def test_the_dicom_series_keeps_its_geometry(denoiser: Denoiser, data_dir: Path, tmp_path: Path) -> None:
    series = data_dir / "dicom" / "decubitus_t1_fl2d_sag"
    volume = denoiser.denoise(series)
    write_volume(tmp_path / "out.nii.gz", volume.denoised, source=series, affine=volume.affine)
    names = itk.GDCMSeriesFileNames.New(Directory=str(series))
    before = itk.imread(names.GetFileNames(names.GetSeriesUIDs()[0]))
    after = itk.imread(str(tmp_path / "out.nii.gz"))
    assert list(itk.size(before)) == list(itk.size(after))
    for geometry in (itk.origin, itk.spacing):
        np.testing.assert_allclose(geometry(before), geometry(after), atol=1e-4)
    np.testing.assert_allclose(
        itk.array_from_matrix(before.GetDirection()), itk.array_from_matrix(after.GetDirection()), atol=1e-5
    )
