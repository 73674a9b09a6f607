"""Enhanced multi-frame files of a study."""

from __future__ import annotations

import numpy as np

from monai_unsup_denoise.io.dicom import find_series, read_series
from tests.io.dicom.enhanced import to_enhanced
from tests_apps.deploy.conftest import run_app
from tests_apps.deploy.studies import StudyFiles, noisy_head


def test_enhanced_volume_is_denoised_and_localiser_skipped(tmp_path):
    StudyFiles(tmp_path / "head").add_images(noisy_head((8, 40, 36), 1), 3, slope=0.37, intercept=-5.0)
    localiser = StudyFiles(tmp_path / "localiser")
    for turn in (0, 90, 180):
        localiser.add_images(noisy_head((1, 40, 40), 4), 2, turned_by=turn, series="2.25.2")
    source = to_enhanced(tmp_path / "head", tmp_path / "in" / "head", order=[3, 1, 7, 0, 5, 2, 6, 4])
    to_enhanced(tmp_path / "localiser", tmp_path / "in" / "localiser", all_per_frame=True)
    run = run_app("-i", tmp_path / "in", "-o", tmp_path / "out")
    assert run.code == 0, run.log
    assert "series 2: skipped, slices of 3 orientations, a localiser" in run.log
    assert "series 3: denoised, 8 slices" in run.log
    [series] = find_series(tmp_path / "out")
    before, after = read_series(find_series(source)[0]), read_series(series)
    np.testing.assert_array_equal(after.affine, before.affine)
    assert series.frames == 8 and np.corrcoef(after.numpy().ravel(), before.numpy().ravel())[0, 1] > 0.95
