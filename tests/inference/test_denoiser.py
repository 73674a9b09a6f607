"""The denoiser of files is the bundle's inference, with the noise level besides."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoiser import Denoiser

FAST = {"fast": True, "varying_noise": False, "noise_stride": (1, 1, 1)}  # all else needs a noise level


class Same(nn.Module):
    """Changes nothing and knows no noise level, as the published method."""

    def encode_noise(self, image: torch.Tensor) -> torch.Tensor:
        return image.new_zeros(len(image), 1)

    encode_noise_map = encode_noise

    def forward(self, image: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        return image


def test_the_voxels_are_those_of_the_bundle_s_inference(scan, tmp_path, bundle, smoothing):
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    settings = {
        "model_path": str(smoothing),
        "dataset_dir": str(scan),
        "output_dir": str(tmp_path),
        "handlers": [],
    }
    for key, value in settings.items():
        parser[key] = value
    for step in range(len(parser["run"])):
        parser.get_parsed_content(f"run#{step}")
    [expected] = tmp_path.glob("scan*denoised.nii.gz")

    volume = Denoiser.from_bundle(model=smoothing).denoise(scan)

    np.testing.assert_array_equal(volume.denoised, nibabel.load(expected).get_fdata(dtype=np.float32))
    assert np.abs(volume.denoised - volume.noisy).max() > 1


def test_sigma_is_in_scanner_units_and_in_percent_of_the_denoised_maximum(scan, tmp_path, smoothing):
    image = nibabel.load(scan)
    nibabel.save(nibabel.Nifti1Image(7 * image.get_fdata(dtype=np.float32), image.affine), tmp_path / "7.nii")
    denoiser = Denoiser.from_bundle(model=smoothing, device="cpu")
    once, seven = denoiser.denoise(scan), denoiser.denoise(tmp_path / "7.nii")
    assert seven.sigma == pytest.approx(7 * once.sigma, rel=1e-4)
    assert once.sigma_percent == pytest.approx(100 * once.sigma / np.percentile(once.denoised, 99.9))
    assert seven.sigma_percent == pytest.approx(once.sigma_percent, rel=1e-4)


@pytest.mark.parametrize("varying", [True, False])
def test_the_noise_code_is_computed_once_and_passed_on(scan, identity, varying):
    denoiser = Denoiser.from_bundle(model=identity, settings={"varying_noise": varying})
    codes = []
    original = denoiser.inferer.noise_code
    denoiser.inferer.noise_code = lambda *inputs: codes.append(original(*inputs)) or codes[-1]
    volume = denoiser.denoise(scan)
    assert len(codes) == 1
    level = denoiser.network.sigma(codes[0]) * volume.meta["reference"]
    if varying:
        assert level.min() * 0.9 <= volume.sigma <= level.max() * 1.1
    else:
        assert volume.sigma == pytest.approx(level.item())


def test_maps_come_in_scanner_units_beside_the_denoised_scan(scan, smoothing):
    denoiser = Denoiser.from_bundle(model=smoothing)
    volume = denoiser.denoise_image(denoiser.load(scan), ["sigma", "residual", "uncertainty"])
    np.testing.assert_allclose(volume.maps["residual"], volume.noisy - volume.denoised, atol=1e-3 * volume.noisy.max())
    assert volume.maps["sigma"].shape == volume.noisy.shape
    assert np.median(volume.maps["sigma"]) == pytest.approx(volume.sigma, rel=0.3)
    assert (volume.maps["uncertainty"] >= 0).all() and volume.maps["uncertainty"].max() > 0
    assert denoiser.denoise(scan).maps == {}


def test_the_factor_of_the_uncertainty_is_the_config_s(scan):
    once, thrice = (Denoiser.from_bundle(settings={"uncertainty_factor": factor}) for factor in (1.0, 3.0))
    maps = [each.denoise_image(each.load(scan), ["uncertainty"]).maps["uncertainty"] for each in (once, thrice)]
    np.testing.assert_allclose(maps[1], 3 * maps[0], rtol=1e-5)


def test_a_map_of_the_noise_is_not_made_up_by_a_model_that_does_not_know_it(scan):
    denoiser = Denoiser.from_bundle(network=Same(), settings=FAST)
    with pytest.raises(InputError, match="'sigma': this model does not tell"):
        denoiser.denoise_image(denoiser.load(scan), ["sigma"])
    assert denoiser.denoise_image(denoiser.load(scan), ["residual"]).maps["residual"].max() < 1e-3


@pytest.mark.parametrize("setting", ["varying_noise", "self_ensemble", "keep_floor", "fast"])
def test_what_an_inferer_cannot_do_is_refused(bundle, setting):
    config = bundle / "configs" / "inference_paper.json"
    with pytest.raises(InputError, match=setting):
        Denoiser.from_bundle(config, network=Same(), settings={setting: True})


def test_another_network_can_take_the_place_of_the_bundle_s(scan):
    denoiser = Denoiser.from_bundle(network=Same(), settings=FAST)
    volume = denoiser.denoise(scan)
    np.testing.assert_allclose(volume.denoised, nibabel.load(scan).get_fdata(), rtol=1e-6)
    np.testing.assert_array_equal(volume.affine, nibabel.load(scan).affine)
    assert volume.sigma is None and volume.sigma_percent is None and denoiser.model_path is None


def test_a_bundle_is_named_by_its_folder_or_its_config(bundle, scan):
    config = bundle / "configs" / "inference.json"
    for name in (bundle, str(bundle), config):
        assert Denoiser.from_bundle(name, network=Same(), settings=FAST).denoise(scan).noisy.shape == (18, 17, 6)


def test_a_mistake_of_the_program_is_not_taken_for_the_user_s(scan):
    denoiser = Denoiser.from_bundle(network=Same(), settings=FAST)
    denoiser.preprocessing.transforms[1].check = None
    with pytest.raises(RuntimeError) as caught:
        denoiser.denoise(scan)
    assert not isinstance(caught.value, InputError)


def test_a_missing_scan_is_named():
    with pytest.raises(InputError, match="gone.nii: no such file"):
        Denoiser.from_bundle(network=Same(), settings=FAST).denoise(Path("gone.nii"))
