"""Where the maps and the sidecar of an output lie."""

from pathlib import Path

import pytest

from monai_unsup_denoise.io.outputs import map_path, sidecar_path

NAMES = {
    "scan.nii.gz": "scan_sigma.nii.gz",
    "scan.nii": "scan_sigma.nii",
    "scan.nrrd": "scan_sigma.nrrd",
    "scan.mha": "scan_sigma.mha",
    "sub-01.run.2.nii.gz": "sub-01.run.2_sigma.nii.gz",
    "sub-01.run.2.nrrd": "sub-01.run.2_sigma.nrrd",
    "scan.nii.gz.nii": "scan.nii.gz_sigma.nii",
    "1.2.840.113619.nii.gz": "1.2.840.113619_sigma.nii.gz",
}


@pytest.mark.parametrize("name, expected", NAMES.items())
def test_a_map_is_named_for_its_output_and_has_its_format(name, expected):
    assert map_path(Path("a.b") / name, "sigma") == Path("a.b") / expected


@pytest.mark.parametrize("name", NAMES)
def test_output_maps_and_sidecar_are_four_files_of_one_folder(name):
    output = Path("out") / name
    beside = {output, sidecar_path(output), map_path(output, "sigma"), map_path(output, "residual")}
    assert len(beside) == 4
    assert {path.parent for path in beside} == {output.parent}
