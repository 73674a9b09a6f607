"""What is said of the noise of a scan: the report of a volume, and the clause that a command prints."""

import json
from pathlib import PurePosixPath

import numpy as np
import pytest
from torch import nn

from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume
from monai_unsup_denoise.inference.scans import noise_summary
from monai_unsup_denoise.io.bids.derivative import sidecar_content
from tests.inference.toy_networks import Spy

PLAIN = {"refine": False, "varying_noise": False}
WHITE = {
    "sigma": 12.34,
    "sigma_percent": 3.08,
    "sigma_error_percent": 2.6,
    "varying_noise": False,
    "correlated_noise": False,
    "correlation": [0.01, -0.02, 0.03],
}
CORRELATED = {"correlated_noise": True, "correlation": [0.36, 0.364, -0.001]}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, ""),
        (CORRELATED, ", spatially correlated (0.36, 0.36, 0.00 along x, y, z)"),
        ({"varying_noise": True, "coils": 8}, ", spatially varying, sum of squares of about 8 coils"),
        ({"sigma_is_sure": False, "sigma_error_percent": 29.6}, ", uncertain by about 30 %"),
        ({"change_percent": 56}, ", only 56 % of the change made"),
        ({"strength": 0.8}, ", strength 0.8"),
        ({"clipped_voxels": 7}, ", 7 negative or NaN voxels set to 0"),
        ({"distance": 1.4}, "; unlike the scans that this model was trained on: look at the result"),
    ],
)
def test_summary_says_what_is_unusual_of_the_noise(found, said):
    assert noise_summary(WHITE | found) == "sigma 12.34 (3.1 % of the maximum)" + said


def test_summary_without_a_noise_level_says_so():
    volume = DenoisedVolume(np.ones((2, 2, 2)), np.ones((2, 2, 2)), np.eye(4), sigma=None)
    assert volume.noise_report() == {"sigma": None, "sigma_percent": None}
    assert noise_summary(volume.noise_report()) == "this model does not estimate the noise level"


@pytest.mark.parametrize(("coils", "reported"), [(1.0, {}), (1.4, {}), (7.6, {"coils": 8})])
def test_report_has_coils_where_there_are_several(coils, reported):
    volume = DenoisedVolume(
        *2 * [np.full((2, 2, 2), 50.0)], np.eye(4), 1.0, 0.3, True, (0.1, 0.2, 0.3), True, coils, sigma_is_sure=False
    )
    expected = {"sigma": 1.0, "sigma_percent": 2.0, "sigma_error_percent": 30.0, "varying_noise": True}
    expected |= {"correlated_noise": True, "correlation": [0.1, 0.2, 0.3], "sigma_is_sure": False}
    assert json.loads(json.dumps(volume.noise_report())) == expected | reported


@pytest.mark.parametrize(("share", "reported"), [(1.0, {}), (0.561, {"change_percent": 56})])
def test_report_says_where_less_of_the_change_is_made(share, reported):
    ones = np.ones((2, 2, 2))
    report = DenoisedVolume(ones, ones, np.eye(4), sigma=0.1, share_of_change=share).noise_report()
    assert {name: value for name, value in report.items() if name == "change_percent"} == reported


@pytest.mark.parametrize(("distance", "reported"), [(None, {}), (0.9, {}), (1.234, {"distance": 1.23})])
def test_report_says_if_a_scan_is_unlike_the_training(distance, reported):
    ones = np.ones((2, 2, 2))
    report = DenoisedVolume(ones, ones, np.eye(4), sigma=0.1, distance=distance).noise_report()
    assert {name: value for name, value in report.items() if name == "distance"} == reported


def test_bids_sidecar_has_all_that_may_be_reported():
    ones = np.full((2, 2, 2), 50.0)
    volume = DenoisedVolume(
        *(ones, ones, np.eye(4), 1.0, 0.3, True, (0.1, 0.2, 0.3), True, 8.0),
        **{"sigma_is_sure": False, "share_of_change": 0.5, "strength": 0.8, "clipped_voxels": 7, "distance": 1.5},
    )
    report = volume.noise_report()
    scan = PurePosixPath("sub-01/anat/sub-01_T1w.nii.gz")
    content = sidecar_content(scan, metadata={}, noise=report, digest=None)
    assert len(report) == 12
    assert [value for value in report.values() if value not in content.values()] == []


class Correlated(Spy, nn.Module):
    """Finds another correlation along each axis of what it is shown."""

    correlated = (0.1, 0.2, 0.3)

    def __init__(self):
        nn.Module.__init__(self)
        Spy.__init__(self)

    __call__ = Spy.__call__


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((30, 20, 18), (0.1, 0.2, 0.3)), ((6, 30, 20), (0.3, 0.1, 0.2)), ((30, 6, 20), (0.1, 0.3, 0.2))],
)
def test_correlation_follows_slices_that_were_moved(shape, expected):
    network = Correlated()
    denoiser = Denoiser.from_bundle(network=network, device="cpu", settings=PLAIN)
    scan = np.random.default_rng(0).uniform(1, 2, shape)
    volume = denoiser.denoise_image(denoiser.wrap(scan))
    assert network.encoded[0].shape[-1] == min(shape) and volume.noisy.shape == shape
    assert volume.correlation == pytest.approx(expected) and volume.correlated_noise
    assert volume.noise_report()["correlation"] == pytest.approx(list(expected))
