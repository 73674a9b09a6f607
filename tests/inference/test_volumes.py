"""The volumes of a 4-D scan are denoised with one estimate of the noise, in scanner units."""

from itertools import pairwise

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser, NoiseEstimate, denoise_volumes
from monai_unsup_denoise.inference.volumes import SharedNoise
from monai_unsup_denoise.io.volumes import open_volumes
from tests.inference.toy_networks import Immerkaer, Unaware, untrained_denoiser

SETTINGS = {"refine": False, "varying_noise": False}
SHAPE = (64, 24, 24)


class SigmaFilter(Immerkaer, torch.nn.Module):
    """Averages over 27 voxels where a voxel is within two sigma of the average."""

    def __init__(self):
        torch.nn.Module.__init__(self)
        Immerkaer.__init__(self)

    def __call__(self, image, code, mean_code=None):
        smooth = torch.nn.functional.avg_pool3d(image, 3, stride=1, padding=1, count_include_pad=False)
        return torch.where((image - smooth).abs() < 2 * self.sigma(code).unsqueeze(1), smooth, image)


class UnawareModule(Unaware, torch.nn.Module):
    """A network without a noise level."""


def noisy(brightness=900.0, sigma=30.0, seed=0, *, slope=0.0) -> np.ndarray:
    """Tissue with Rician noise, whose level may rise along the first axis."""
    level = sigma * (1 + slope * np.linspace(-1, 1, SHAPE[0])[:, None, None])
    real, imaginary = level * np.random.default_rng(seed).standard_normal((2, *SHAPE))
    return np.hypot(brightness + real, imaginary).astype(np.float32)


UNLIKE = [noisy(brightness, seed=seed) for seed, brightness in enumerate((900, 2700, 450))]


@pytest.fixture
def save(tmp_path):
    """Save volumes as one file, and say where."""

    def save(volumes, name="series.nii.gz"):
        nibabel.save(nibabel.Nifti1Image(np.stack(volumes, axis=-1), np.eye(4)), tmp_path / name)
        return tmp_path / name

    return save


def denoiser(**settings) -> Denoiser:
    return Denoiser.from_bundle(network=SigmaFilter(), device="cpu", settings=SETTINGS | settings)


def test_volume_equals_itself_alone_with_that_noise(save):
    alone = denoiser()
    series = alone.denoise(save(UNLIKE))
    assert series.noisy.shape == series.denoised.shape == (*SHAPE, 3)
    assert series.sigma == pytest.approx(30, rel=0.2)
    for number, values in enumerate(UNLIKE):
        image = alone.wrap(values)
        level = series.sigma / float(image.meta["reference"])
        expected = alone.denoise_image(image, noise=NoiseEstimate(torch.tensor([[level]]), level))
        assert expected.sigma == pytest.approx(series.sigma)
        np.testing.assert_allclose(series.denoised[..., number], expected.denoised, rtol=1e-5)
        np.testing.assert_allclose(series.noisy[..., number], values, rtol=1e-6)
        assert np.abs(expected.denoised - values).max() > 1


@pytest.mark.parametrize("varying", [False, True])
def test_sigma_is_the_same_in_every_volume(varying, save):
    used = denoiser(maps=["sigma"], varying_noise=varying)
    volumes = [noisy(brightness, seed=seed, slope=0.8) for seed, brightness in enumerate((900, 2700, 450))]
    own = [used.denoise_image(used.wrap(values)) for values in volumes]
    median = sorted(own, key=lambda volume: volume.sigma)[1]
    for volume in denoise_volumes(used, open_volumes(save(volumes))):
        assert volume.sigma == pytest.approx(median.sigma) == pytest.approx(30, rel=0.2)
        assert volume.varying_noise == varying
        np.testing.assert_allclose(volume.maps["sigma"], median.maps["sigma"], rtol=1e-4)
        assert (np.ptp(volume.maps["sigma"]) > 10) == varying
    assert len({volume.sigma for volume in own}) == 3


def test_shared_noise_keeps_correlation_and_coils():
    network, level = untrained_denoiser(), torch.full((1, 3, 2, 2), 0.1)
    for sigma in (level[:, 0, 0, 0], level):
        code = network.code_of(sigma, torch.tensor([[0.4, 0.1, -0.2]]), torch.tensor([6.0]))
        shared = SharedNoise(NoiseEstimate(code, 0.1, 0.2, (0.4, 0.1, -0.2), 6.0), {"reference": 50.0})
        noise = shared.of(MetaTensor(torch.zeros(1), meta={"reference": 20.0}), network)
        torch.testing.assert_close(network.sigma(noise.code), 2.5 * sigma)
        torch.testing.assert_close(noise.code[:, 1:], code[:, 1:])
        assert noise.sigma == pytest.approx(0.25)
        assert (noise.error, noise.correlation, noise.coils) == (0.2, (0.4, 0.1, -0.2), 6.0)


def test_noise_of_a_series_is_reported_once(save):
    used = denoiser()
    used.network.correlated, used.network.combined = (0.3, 0.2, 0.0), 4.2
    zeros = np.zeros(SHAPE, dtype=np.float32)
    reports = [volume.noise_report() for volume in denoise_volumes(used, open_volumes(save([zeros, *UNLIKE])))]
    for report in reports:
        assert report["correlation"] == pytest.approx([0.3, 0.2, 0.0]) and report["coils"] == 4
        assert report["sigma"] == pytest.approx(reports[0]["sigma"])
        assert report["sigma_error_percent"] == reports[0]["sigma_error_percent"]


def test_one_odd_volume_does_not_change_sigma(save):
    volumes = [noisy(seed=seed) for seed in range(4)]
    like = denoiser().denoise(save(volumes)).sigma
    with_odd = denoiser().denoise(save([noisy(sigma=200), *volumes])).sigma
    assert with_odd == pytest.approx(like, rel=0.05)


def test_volumes_of_zeros_stay_zeros(save):
    zeros = np.zeros(SHAPE, dtype=np.float32)
    maps = ["sigma", "residual"]
    expected = denoiser(maps=maps).denoise(save(UNLIKE))
    series = denoiser(maps=maps).denoise(save([zeros, *UNLIKE, zeros]))
    assert series.sigma == pytest.approx(expected.sigma)
    assert not series.denoised[..., [0, -1]].any() and not series.maps["residual"][..., [0, -1]].any()
    np.testing.assert_allclose(series.denoised[..., 1:-1], expected.denoised, rtol=1e-4)
    np.testing.assert_allclose(series.maps["sigma"], expected.maps["sigma"], rtol=1e-5)
    with pytest.raises(InputError, match=r"zeros.nii: all voxels are zero"):
        denoiser().denoise(save([zeros, zeros], "zeros.nii"))


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "1 voxels are NaN"), (-5, "negative"), (1e39, "infinite")])
def test_bad_volume_is_named_before_work_begins(value, reason, save, monkeypatch):
    bad = UNLIKE[0].astype(np.float64)
    bad[10, 10, 10] = value
    path, used = save([UNLIKE[1], bad, UNLIKE[2]]), denoiser()
    monkeypatch.setattr(used, "network", None)
    with pytest.raises(InputError, match=rf"series.nii.gz, volume 1 \(counted from 0\).*{reason}"):
        used.denoise(path)


def test_result_that_is_not_finite_names_its_volume(save):
    bright = UNLIKE[0].copy()
    bright[10, 10, 10] = 3e38
    with pytest.raises(InputError, match=r"volume 1 \(counted from 0\): .*not finite"):
        denoiser().denoise(save([UNLIKE[1], bright]))


def test_one_volume_is_denoised_as_if_alone(save, tmp_path):
    path = save(UNLIKE)
    volume = denoiser().denoise(path, volume=2)
    alone = denoiser().denoise(save(UNLIKE[2:], "alone.nii"))
    np.testing.assert_array_equal(volume.denoised, alone.denoised)
    assert volume.sigma == alone.sigma
    for earlier, later in pairwise([denoiser().denoise(path, volume=number).sigma for number in range(3)]):
        assert earlier != later
    with pytest.raises(InputError, match="series.nii.gz: no volume 3, there are 0 to 2; give another number"):
        denoiser().denoise(path, volume=3)
    assert denoiser().denoise(tmp_path / "alone.nii", volume=0).sigma == alone.sigma
    with pytest.raises(InputError, match="alone.nii: no volume 1, there is but one; leave the number out"):
        denoiser().denoise(tmp_path / "alone.nii", volume=1)


def test_percent_is_of_the_brightest_volume(save):
    series = denoiser().denoise(save(UNLIKE))
    assert series.sigma_percent == pytest.approx(100 * series.sigma / np.percentile(series.denoised[..., 1], 99.9))


def test_network_without_a_noise_level_has_a_code_for_each(save):
    unaware = Denoiser.from_bundle(network=UnawareModule(), settings=SETTINGS)
    series = unaware.denoise(save(UNLIKE))
    np.testing.assert_allclose(series.denoised, np.stack(UNLIKE, axis=-1), rtol=1e-6)
    assert series.sigma is None
