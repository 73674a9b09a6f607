"""The denoiser that every entry point calls."""

import math
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.stats import rice
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings, NoiseEstimate, VolumeInferer
from monai_unsup_denoise.networks import ErrorHead
from tests.inference.toy_networks import Spy, Unaware

PLAIN = {"refine": False, "varying_noise": False}  # all else needs a noise level


class Same(Unaware, nn.Module):
    """A network that changes nothing and does not estimate the noise level."""


def test_sigma_is_in_scanner_units_and_in_percent(scan, tmp_path, smoothing):
    image = nibabel.load(scan)
    nibabel.save(nibabel.Nifti1Image(7 * image.get_fdata(dtype=np.float32), image.affine), tmp_path / "7.nii")
    denoiser = Denoiser.from_bundle(model=smoothing, device="cpu")
    denoiser.inferer.autocast = None  # in bfloat16 two scales are rounded differently
    once, seven = denoiser.denoise(scan), denoiser.denoise(tmp_path / "7.nii")
    assert seven.sigma == pytest.approx(7 * once.sigma, rel=1e-4)
    assert once.sigma_percent == pytest.approx(100 * once.sigma / np.percentile(once.denoised, 99.9))
    assert seven.sigma_percent == pytest.approx(once.sigma_percent, rel=1e-4)


def test_maps_are_in_scanner_units(scan, smoothing):
    denoiser = Denoiser.from_bundle(model=smoothing, settings={"maps": ["sigma", "residual", "uncertainty"]})
    volume = denoiser.denoise(scan)
    np.testing.assert_allclose(volume.maps["residual"], volume.noisy - volume.denoised, atol=1e-3 * volume.noisy.max())
    assert volume.maps["sigma"].shape == volume.noisy.shape
    assert np.median(volume.maps["sigma"]) == pytest.approx(volume.sigma, rel=0.3)
    assert (volume.maps["uncertainty"] >= 0).all() and volume.maps["uncertainty"].max() > 0
    assert denoiser.denoise_image(denoiser.load(scan), DenoiseSettings()).maps == {}


def test_uncertainty_factor_of_the_config_is_applied(scan, bundle):
    denoiser = Denoiser.from_bundle(settings={"maps": ["uncertainty"]})
    denoiser.error_head = None  # as with other weights
    calibrated = denoiser.denoise(scan).maps["uncertainty"]
    assert denoiser.uncertainty_factor == 1.3
    denoiser.uncertainty_factor = 1.0
    np.testing.assert_allclose(calibrated, 1.3 * denoiser.denoise(scan).maps["uncertainty"], rtol=1e-5)


def test_error_head_makes_the_intervals(scan, smoothing):
    denoiser = Denoiser.from_bundle(model=smoothing, settings={"maps": ["uncertainty", "uncertainty_95"]})
    assert denoiser.error_head is None  # that of the bundle is calibrated for the weights of the bundle
    bootstrap = denoiser.denoise(scan).maps
    np.testing.assert_allclose(bootstrap["uncertainty_95"], 1.96 * bootstrap["uncertainty"], rtol=1e-5)
    denoiser.error_head = ErrorHead().eval()
    once = denoiser.denoise(scan).maps
    assert (once["uncertainty"] > 0).all() and (once["uncertainty_95"] > once["uncertainty"]).all()
    denoiser.error_head.factors.copy_(torch.tensor([2.0, 3.0]))
    wider = denoiser.denoise(scan).maps
    for name, factor in (("uncertainty", 2), ("uncertainty_95", 3)):
        np.testing.assert_allclose(wider[name], factor * once[name], rtol=1e-4)


def test_distance_is_that_of_the_denoised_scan(scan, smoothing):
    denoiser = Denoiser.from_bundle(model=smoothing)
    assert denoiser.known_scans is None  # those of the bundle are of the weights of the bundle
    seen: list[np.ndarray] = []
    denoiser.known_scans = SimpleNamespace(distance=lambda image: seen.append(image) or 1.5)
    image = denoiser.load(scan)
    volume = denoiser.denoise_image(image)
    assert volume.distance == 1.5
    np.testing.assert_allclose(image.meta["reference"] * seen[0], volume.denoised, rtol=1e-5)


def test_unknown_map_is_refused():
    with pytest.raises(InputError, match="maps: 'snr' is unknown; choose from sigma, residual, uncertainty"):
        DenoiseSettings(maps=("sigma", "snr"))


def test_unaware_network_makes_no_map_of_the_noise(scan):
    denoiser = Denoiser.from_bundle(network=Same(), settings={**PLAIN, "maps": ["residual", "sigma"]})
    with pytest.raises(InputError, match="maps: 'sigma': this model does not estimate the noise level"):
        denoiser.denoise(scan)
    volume = denoiser.denoise_image(denoiser.load(scan), DenoiseSettings(**PLAIN, maps=("residual",)))
    assert np.abs(volume.maps["residual"]).max() < 1e-3


@pytest.mark.parametrize("setting", ["varying_noise", "self_ensemble", "keep_floor"])
def test_slab_inferer_refuses_what_it_cannot_do(bundle, setting):
    config = bundle / "configs" / "inference_paper.json"
    with pytest.raises(InputError, match=f"{setting}: the SlabInferer of this config cannot do that"):
        Denoiser.from_bundle(config, network=Same(), settings={setting: True})


def test_unknown_setting_is_refused():
    with pytest.raises(InputError, match="fast: no such id in the inference config"):
        Denoiser.from_bundle(settings={"fast": True})


def test_config_with_a_setting_that_is_gone_is_refused(tmp_path):
    (tmp_path / "inference_mine.json").write_text('{"correlated_noise": false}')
    with pytest.raises(InputError, match=r"inference_mine.json: correlated_noise of version 0.7 is gone; [^\n]*$"):
        Denoiser.from_bundle(tmp_path / "inference_mine.json")


def test_given_network_replaces_that_of_the_bundle(scan):
    denoiser = Denoiser.from_bundle(network=Same(), settings=PLAIN)
    volume = denoiser.denoise(scan)
    np.testing.assert_allclose(volume.denoised, nibabel.load(scan).get_fdata(), rtol=1e-6)
    np.testing.assert_array_equal(volume.affine, nibabel.load(scan).affine)
    assert volume.sigma is None and volume.sigma_percent is None and denoiser.model_path is None


def test_bundle_is_named_by_its_folder_or_its_config(bundle, scan):
    for name in (bundle, str(bundle), bundle / "configs" / "inference.json"):
        assert Denoiser.from_bundle(name, network=Same(), settings=PLAIN).denoise(scan).noisy.shape == (18, 17, 6)


def test_defect_of_the_program_is_not_an_input_error(scan):
    denoiser = Denoiser.from_bundle(network=Same(), settings=PLAIN)
    denoiser.preprocessing.transforms[1].check = None
    with pytest.raises(RuntimeError) as caught:
        denoiser.denoise(scan)
    assert not isinstance(caught.value, InputError)


def test_missing_scan_is_named():
    with pytest.raises(InputError, match="gone.nii: no such file"):
        Denoiser.from_bundle(network=Same(), settings=PLAIN).denoise(Path("gone.nii"))


class FixedNoise(VolumeInferer):
    """Its noise estimate is given."""

    def __init__(self, code: torch.Tensor, settings: DenoiseSettings | None = None) -> None:
        super().__init__(settings=settings)
        self.code = code

    def estimate_noise(self, inputs, network):
        return NoiseEstimate(self.code, 0.1)


class SpyModule(Spy, nn.Module):
    """A spy with weights, of which there are none."""

    def __init__(self, **settings):
        nn.Module.__init__(self)
        Spy.__init__(self, **settings)

    __call__ = Spy.__call__


def floored(volume: torch.Tensor, code: torch.Tensor, **spy: float) -> np.ndarray:
    settings = DenoiseSettings(refine=False, keep_floor=True)
    denoiser = Denoiser(
        SpyModule(**spy), model_path=None, inferer=FixedNoise(code), preprocessing=lambda item: item, settings=settings
    )
    return denoiser.denoise_image(MetaTensor(volume[0], meta={"reference": 2.0})).denoised


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_kept_floor_of_background_is_its_rayleigh_mean(sigma):
    out = floored(torch.rand(1, 1, 20, 9, 9), torch.tensor([[sigma]]), factor=0.0)
    np.testing.assert_allclose(out, 2 * sigma * math.sqrt(math.pi / 2), rtol=1e-5)


def test_kept_floor_is_the_rician_mean_of_every_voxel():
    volume, code = 2 * torch.rand(1, 1, 20, 9, 10), 0.1 + torch.rand(1, 1, 2, 3, 1)
    sigma = upsample_to(code, volume).double()
    expected = 2 * rice.mean((volume / sigma).numpy(), scale=sigma.numpy())
    np.testing.assert_allclose(floored(volume, code), expected[0, 0], rtol=1e-5)
