"""`mri-denoise denoise --strength`."""

import json

import nibabel
import numpy as np


def test_option_sets_the_strength_and_the_sidecar_has_it(scan, tmp_path, smoothing, mri_denoise):
    volumes = {}
    for strength in ("1", "0.5"):
        output = tmp_path / f"{strength}.nii.gz"
        outcome = mri_denoise("denoise", scan, output, "--model", smoothing, "--strength", strength)
        volumes[strength] = nibabel.load(output).get_fdata()
        sidecar = json.loads(output.with_name(f"{strength}.json").read_text())
        assert sidecar.get("strength") == {"1": None, "0.5": 0.5}[strength]
        assert (", strength 0.5" in outcome.out) is (strength == "0.5")
    noisy = nibabel.load(scan).get_fdata()
    np.testing.assert_allclose(volumes["0.5"], (volumes["1"] + noisy) / 2, atol=1e-5 * noisy.max())


def test_option_out_of_range_is_one_line(scan, tmp_path, smoothing, mri_denoise):
    outcome = mri_denoise("denoise", scan, tmp_path / "out.nii", "--model", smoothing, "--strength", "1.5")
    assert (
        outcome.code == 1
        and outcome.err.strip() == "error: strength: 1.5 is out of range; give a number above 0 and at most 1"
    )
    assert not list(tmp_path.glob("out*"))
