"""Folders of scans, as the bundle's `inference.json` denoises them."""

import json
import shutil

import nibabel
import numpy as np
import pytest
from monai.bundle import ConfigParser

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser, FolderDenoiser


@pytest.fixture
def run_bundle(bundle, smoothing, tmp_path):
    """Run `inference.json` on a folder; the output folder."""

    def run(folder, **settings):
        parser = ConfigParser()
        parser.read_config(str(bundle / "configs" / "inference.json"))
        places = {"model_path": str(smoothing), "dataset_dir": str(folder), "output_dir": str(tmp_path / "out")}
        for key, value in {**places, **settings}.items():
            parser[key] = value
        parser.get_parsed_content("evaluator").run()
        return tmp_path / "out"

    return run


def test_bundle_writes_the_voxels_of_the_denoiser(scan, smoothing, run_bundle):
    written = nibabel.load(run_bundle(scan.parent) / "scan_denoised.nii.gz")
    volume = Denoiser.from_bundle(model=smoothing).denoise(scan)
    np.testing.assert_array_equal(written.get_fdata(dtype=np.float32), volume.denoised)
    np.testing.assert_array_equal(written.affine, nibabel.load(scan).affine)
    assert np.abs(volume.denoised - volume.noisy).max() > 1


def test_sub_folders_maps_and_sidecars_are_written(scan, run_bundle):
    below = scan.parent / "a" / "b"
    below.mkdir(parents=True)
    shutil.copy(scan, below / "other.nii.gz")
    out = run_bundle(scan.parent, maps=["sigma"])
    names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    ends = ("_denoised.nii.gz", "_denoised_sigma.nii.gz", "_denoised.json")
    assert names == {f"{stem}{end}" for stem in ("scan", "a/b/other") for end in ends}
    sidecar = json.loads((out / "scan_denoised.json").read_text())
    sigma = nibabel.load(out / "scan_denoised_sigma.nii.gz").get_fdata()
    assert sidecar["sigma"] == pytest.approx(np.median(sigma), rel=0.3)
    assert {"varying_noise", "correlated_noise", "correlation", "sigma_error_percent"} <= sidecar.keys()
    assert {"model_sha256", "Sources"} <= sidecar.keys()


def test_one_bad_scan_does_not_stop_the_others(scan, run_bundle, tmp_path):
    (scan.parent / "a_bad.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"1 of 2 scans could not be denoised:\n  .*a_bad.nii.gz: cannot be read"):
        run_bundle(scan.parent)
    assert [path.name for path in (tmp_path / "out").glob("*.nii.gz")] == ["scan_denoised.nii.gz"]


def test_bad_volume_refuses_its_scan_alone(scan, run_bundle, tmp_path):
    good = nibabel.load(scan).get_fdata(dtype=np.float32)
    bad = good.copy()
    bad[9, 9, 3] = np.nan
    for name, volumes in (("a_bad", [good, bad]), ("good", [good, 2 * good])):
        nibabel.save(nibabel.Nifti1Image(np.stack(volumes, axis=-1), np.eye(4)), scan.parent / f"{name}.nii.gz")
    with pytest.raises(InputError, match=r"1 of 3 scans.*\n  .*a_bad.nii.gz, volume 1 \(counted from 0\).* NaN"):
        run_bundle(scan.parent, refine=False)
    written = {path.name: nibabel.load(path).shape for path in (tmp_path / "out").glob("*.nii.gz")}
    assert written == {"scan_denoised.nii.gz": (18, 17, 6), "good_denoised.nii.gz": (18, 17, 6, 2)}


def test_existing_outputs_are_kept_if_asked(scan, run_bundle):
    out = run_bundle(scan.parent)
    before = (out / "scan_denoised.nii.gz").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        run_bundle(scan.parent, overwrite=False)
    assert (out / "scan_denoised.nii.gz").read_bytes() == before


def test_empty_folder_is_an_error(run_bundle, tmp_path):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="no volume in this folder"):
        run_bundle(tmp_path / "nothing")


@pytest.mark.parametrize("number", [0, -1, "two", 1.5])
@pytest.mark.parametrize("name", ["jobs", "threads"])
def test_no_number_of_jobs_or_threads_is_refused(name, number):
    denoiser = FolderDenoiser(None, None, **{name: number})
    with pytest.raises(InputError, match=rf"^{name}: '?{number}'?: not a number of {name}; give 1 or more$"):
        denoiser.run()
