"""Phase images and quantitative maps are known by the names of BIDS and dcm2niix."""

from pathlib import Path

import pytest

from monai_unsup_denoise.io.no_magnitudes import why_no_magnitudes


@pytest.mark.parametrize(
    "name, reason",
    [
        ("sub-01_phasediff.nii.gz", "a phase, real or imaginary image"),
        ("sub-01_run-1_phase2.nii.gz", "a phase, real or imaginary image"),
        ("gre_field_mapping_e2_ph.nii", "a phase, real or imaginary image"),
        ("sub-01_T1map.nii.gz", "a quantitative map: its noise is not Rician"),
        ("sub-01_T2starmap.mgz", "a quantitative map: its noise is not Rician"),
        ("sub-01_acq-x_MTsat.nii", "a quantitative map: its noise is not Rician"),
    ],
)
def test_phase_or_map_is_known_by_its_suffix(name, reason, tmp_path):
    assert str(why_no_magnitudes(tmp_path / name)).startswith(reason)


@pytest.mark.parametrize("name", ["sub-01_magnitude1", "late_phase", "T1map_of_me", "sub-ph_T1w", "ph", "sub-01_MTw"])
def test_other_names_are_no_obstacle(name):
    assert why_no_magnitudes(Path(f"{name}.nii.gz")) is None
