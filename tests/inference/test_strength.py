"""How much of the change is made: the result, its maps, and what is said of it."""

import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings
from monai_unsup_denoise.networks import ErrorHead


@pytest.mark.parametrize("floor", [False, True])
def test_result_lies_between_the_scan_and_the_denoised(scan, smoothing, floor):
    denoiser = Denoiser.from_bundle(model=smoothing)
    image = denoiser.load(scan)
    whole, half = (
        denoiser.denoise_image(image, DenoiseSettings(keep_floor=floor, strength=share, maps=("residual",)))
        for share in (1.0, 0.25)
    )
    expected = 0.25 * whole.denoised + 0.75 * whole.noisy
    np.testing.assert_allclose(half.denoised, expected, atol=1e-5 * whole.noisy.max())
    assert np.abs(half.denoised - whole.denoised).max() > 0.01 * whole.noisy.max()
    np.testing.assert_allclose(half.maps["residual"], half.noisy - half.denoised, atol=1e-5 * whole.noisy.max())
    assert half.noise_report()["strength"] == 0.25 and "strength" not in whole.noise_report()
    assert half.sigma == whole.sigma


@pytest.mark.parametrize("bootstrap", [True, False])
def test_intervals_are_wider_by_the_noise_that_is_left(scan, smoothing, bootstrap):
    denoiser = Denoiser.from_bundle(model=smoothing)
    denoiser.error_head = None if bootstrap else ErrorHead().eval()
    image, maps = denoiser.load(scan), ("sigma", "uncertainty", "uncertainty_95")
    whole, less = (denoiser.denoise_image(image, DenoiseSettings(strength=s, maps=maps)).maps for s in (1.0, 0.8))
    for name, deviations in (("uncertainty", 1.0), ("uncertainty_95", 1.96)):
        expected = 0.8 * whole[name] + 0.2 * deviations * whole["sigma"]
        np.testing.assert_allclose(less[name], expected, rtol=1e-5)


@pytest.mark.parametrize("strength", [0.0, -0.5, 1.01, float("nan")])
def test_strength_out_of_range_is_refused(strength):
    with pytest.raises(InputError, match="strength: .* is out of range; give a number above 0 and at most 1"):
        DenoiseSettings(strength=strength)
