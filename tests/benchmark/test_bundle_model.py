"""A trained model as a function of arrays."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.benchmark.baselines.bundle_model import BundleModel
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoiser import Denoiser

CONFIGS = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise" / "configs"


def untrained(name: str, path: Path) -> Path:
    """Random weights for the network of an inference config."""
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "inference.json"), str(CONFIGS / name)])
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def")
    torch.save(
        {key: value + 0.001 * torch.randn_like(value.float()) for key, value in network.state_dict().items()}, path
    )
    return path


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIGS.glob("inference*.json")))
def test_every_config_denoises_an_array_as_its_file(name, tmp_path):
    volume = np.random.default_rng(0).uniform(1, 900, (24, 22, 7)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "scan.nii")
    weights = untrained(name, tmp_path / "weights.pt")
    denoised, sigma, correlation = BundleModel(name, model=weights)(volume)
    expected = Denoiser.from_bundle(CONFIGS / name, model=weights).denoise(tmp_path / "scan.nii")
    np.testing.assert_array_equal(denoised, expected.denoised)
    assert sigma == expected.sigma and correlation == (None if sigma is None else expected.correlation)
    assert (sigma is None) == (name not in ("inference.json", "inference_paired.json"))
    assert denoised.shape == volume.shape and denoised.dtype == np.float32 and denoised.min() >= 0
    assert np.abs(denoised - volume).max() > 1


def test_values_of_the_config_can_be_set(tmp_path):
    volume = np.random.default_rng(0).uniform(1, 900, (24, 22, 8)).astype(np.float32)
    weights = untrained("inference.json", tmp_path / "weights.pt")
    once, *_ = BundleModel(model=weights, settings={"refine": False})(volume)
    averaged, *_ = BundleModel(model=weights, settings={"self_ensemble": True, "refine": False})(volume)
    of_mirrored, *_ = BundleModel(model=weights, settings={"self_ensemble": True, "refine": False})(volume[::-1].copy())
    assert np.abs(once - averaged).max() > 1
    np.testing.assert_allclose(of_mirrored[::-1], averaged, rtol=0.01, atol=1)  # the noise read differs a little


def test_negative_array_is_refused(tmp_path):
    method = BundleModel(model=untrained("inference.json", tmp_path / "weights.pt"))
    with pytest.raises(InputError, match="negative"):
        method(np.full((20, 20, 7), -1, dtype=np.float32))


def test_weights_of_another_method_are_refused(tmp_path):
    weights = untrained("inference_dncnn.json", tmp_path / "weights.pt")
    with pytest.raises(InputError, match="weights of another network"):
        BundleModel("inference.json", model=weights)
