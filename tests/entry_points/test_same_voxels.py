"""Every entry point gives the same voxels at the same place, and those of version 0.5.1."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.inference import Denoiser
from tests.entry_points.entry_points import COMPLETE, DICOM, WITHOUT_REFINEMENT, Result
from tests.io.dicom.synthetic import block, write_series

pytestmark = pytest.mark.slow  # a process each; `make test-entry-points` runs them

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: 400 voxels of the scan below, denoised by version 0.5.1 with the same weights, with and without refinement.
EARLIER = json.loads(Path(__file__).with_name("voxels_0_5_1.json").read_text())
#: Of the range of the denoised scan.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def scan_and_series(tmp_path_factory) -> tuple[Path, Path]:
    """The same noisy volume as NIfTI and as a DICOM series: oblique, with pixels that are not square."""
    folder = tmp_path_factory.mktemp("entry_points")
    lps = write_series(folder / "series", block(EARLIER["shape"]))
    (folder / "nifti").mkdir()
    image = nibabel.Nifti1Image(block(EARLIER["shape"]).astype(np.float32), TO_RAS @ lps)
    nibabel.save(image, folder / "nifti" / "scan.nii.gz")
    return folder / "nifti" / "scan.nii.gz", folder / "series"


@pytest.mark.parametrize("entry_point", [*COMPLETE, *WITHOUT_REFINEMENT], ids=lambda function: function.__name__)
def test_entry_point_gives_the_same_voxels(
    entry_point: Callable[[Path, Path, Path], Result], scan_and_series: tuple[Path, Path], tmp_path: Path
) -> None:
    refine = entry_point in COMPLETE
    voxels, affine = entry_point(*scan_and_series, tmp_path)
    expected = Denoiser.from_bundle(device="cpu", settings={"refine": refine}).denoise(scan_and_series[0])
    tolerance = TOLERANCE * np.ptp(expected.denoised) + (0.5 if entry_point in DICOM else 0.0)
    np.testing.assert_allclose(voxels, expected.denoised, rtol=0, atol=tolerance)
    if affine is not None:
        np.testing.assert_allclose(affine, expected.affine, rtol=0, atol=1e-4)
    earlier = EARLIER["refined" if refine else "without_refinement"]
    np.testing.assert_allclose(voxels.ravel()[EARLIER["voxels"]], earlier, rtol=0, atol=tolerance)


def test_voxels_of_0_5_1_depend_on_refinement() -> None:
    difference = np.abs(np.subtract(EARLIER["refined"], EARLIER["without_refinement"]))
    assert difference.max() > 100 * TOLERANCE * EARLIER["range"]


def test_estimated_sigma_is_that_of_0_5_1(scan_and_series: tuple[Path, Path]) -> None:
    volume = Denoiser.from_bundle(device="cpu", settings={"refine": False}).denoise(scan_and_series[0])
    assert volume.sigma == pytest.approx(EARLIER["sigma"], rel=1e-4)
