"""`mri-denoise denoise`: folders, sidecars, data types, and what an interruption leaves."""

import hashlib
import json

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise import __version__
from monai_unsup_denoise.cli.denoise import OutputMap
from monai_unsup_denoise.inference.settings import MAPS


def test_the_noise_level_is_printed_and_in_the_sidecar(scan, tmp_path, identity, mri_denoise):
    outcome = mri_denoise("denoise", scan, tmp_path / "out.nii.gz", "--no-refine", "--model", identity)
    sidecar = json.loads((tmp_path / "out.json").read_text())
    values = nibabel.load(scan).get_fdata()
    assert sidecar["Sources"] == ["scan.nii.gz"]
    assert sidecar["sigma_percent"] == pytest.approx(100 * sidecar["sigma"] / np.percentile(values, 99.9), rel=1e-4)
    assert sidecar["model_sha256"] == hashlib.sha256(identity.read_bytes()).hexdigest()
    assert sidecar["monai_unsup_denoise"] == __version__
    assert outcome.out.startswith(f"{scan}: sigma {sidecar['sigma']:.4g} ({sidecar['sigma_percent']:.1f} % of")
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("factor", "words", "varies", "other"),
    [(1.0, "", False, "--varying-noise"), (4.0, ", spatially varying", True, "--no-varying-noise")],
)
def test_varying_noise_is_reported_and_can_be_chosen(tmp_path, identity, mri_denoise, factor, words, varies, other):
    """Tissue of 100 with noise of 5, which rises by the factor along the first axis."""
    noise = 5 * factor ** np.linspace(-0.5, 0.5, 96)[:, None, None] * np.random.default_rng(0).normal(size=(96, 36, 36))
    scan = tmp_path / "scan.nii"
    nibabel.save(nibabel.Nifti1Image((100 + noise).astype(np.float32), np.eye(4)), scan)
    for options, expected in (((), varies), ((other,), not varies)):
        command = ("denoise", scan, tmp_path / "out.nii.gz", "--no-refine", "--overwrite", "--model", identity)
        outcome = mri_denoise(*command, *options)
        sidecar = json.loads((tmp_path / "out.json").read_text())
        assert sidecar["varying_noise"] is expected and sidecar["correlated_noise"] is False
        if not options:
            assert f"of the maximum){words}, " in outcome.out
            assert varies or sidecar["sigma"] == pytest.approx(5, rel=0.1)


def test_correlated_noise_is_reported_and_in_the_sidecar(scan, tmp_path, correlating, mri_denoise):
    outcome = mri_denoise("denoise", scan, tmp_path / "out.nii.gz", "--no-refine", "--model", correlating)
    assert ", spatially correlated (0.40, 0.20, 0.00 along x, y, z), sum of squares of about 8 coils, " in outcome.out
    sidecar = json.loads((tmp_path / "out.json").read_text())
    assert sidecar["correlation"] == pytest.approx([0.4, 0.2, 0], abs=0.001) and sidecar["coils"] == 8
    assert sidecar["correlated_noise"] is True and sidecar["sigma_error_percent"] > 0


def test_in_a_folder_the_good_are_done_and_the_bad_are_listed(scan, tmp_path, volume, identity, mri_denoise):
    folder = scan.parent
    (folder / "deep" / "er").mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), folder / "deep" / "er" / "two.nii")
    (folder / "broken.nii").write_text("no image")
    nibabel.save(nibabel.Nifti1Image(volume[..., 0], np.eye(4)), folder / "deep" / "flat.nii.gz")

    outcome = mri_denoise("denoise", folder, tmp_path / "out", "--no-refine", "--model", identity)

    assert outcome.code == 1
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert written == {"scan.nii.gz", "scan.json", "deep/er/two.nii", "deep/er/two.json"}
    lines = outcome.err.splitlines()
    assert lines[0] == "error: 2 of 4 scans could not be denoised:"
    assert sorted(line.split(":")[0].strip() for line in lines[1:]) == [
        f"{folder}/broken.nii",
        f"{folder}/deep/flat.nii.gz (shape (18, 17))",
    ]
    assert len(outcome.out.splitlines()) == 2

    again = mri_denoise("denoise", folder, tmp_path / "out", "--no-refine", "--model", identity)
    assert again.err.count("exists already") == 2
    assert (
        "2 of 4"
        in mri_denoise("denoise", folder, tmp_path / "out", "--overwrite", "--no-refine", "--model", identity).err
    )


def test_outputs_inside_the_input_folder_are_not_denoised_again(scan, identity, mri_denoise):
    out = scan.parent / "out"
    for _ in range(2):
        outcome = mri_denoise("denoise", scan.parent, out, "--no-refine", "--model", identity, "--overwrite")
        assert outcome.code == 0, outcome.err
        assert sorted(path.name for path in out.rglob("*")) == ["scan.json", "scan.nii.gz"]


@pytest.mark.parametrize(("output", "reason"), [("in", "is the folder of the input"), ("x.nii", "give a folder")])
def test_a_folder_of_scans_needs_another_folder(output, reason, scan, tmp_path, identity, mri_denoise):
    outcome = mri_denoise("denoise", scan.parent, tmp_path / output, "--no-refine", "--model", identity)
    assert outcome.code == 1 and reason in outcome.err
    assert [path.name for path in scan.parent.iterdir()] == ["scan.nii.gz"]


def test_two_scans_are_not_written_to_one_file(scan, tmp_path, volume, identity, mri_denoise):
    (scan.parent / "scan.mnc").write_text("becomes scan.nii.gz too")
    outcome = mri_denoise("denoise", scan.parent, tmp_path / "out", "--no-refine", "--model", identity)
    assert outcome.code == 1 and outcome.err.count("another scan would be written to") == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("slope", "inter"), [(1.0, 0.0), (0.25, -8.0)])
def test_the_same_type_reads_back_in_scanner_units(slope, inter, tmp_path, volume, identity, mri_denoise):
    stored = np.rint((volume - inter) / slope).astype(np.int16)
    image = nibabel.Nifti1Image(stored, np.eye(4))
    image.header.set_slope_inter(slope, inter)
    nibabel.save(image, tmp_path / "in.nii.gz")
    outcome = mri_denoise(
        "denoise",
        tmp_path / "in.nii.gz",
        tmp_path / "out.nii.gz",
        "--no-refine",
        "--model",
        identity,
        "--dtype",
        "same",
    )
    assert outcome.code == 0, outcome.err
    out = nibabel.load(tmp_path / "out.nii.gz")
    assert out.get_data_dtype() == np.int16
    assert (out.dataobj.slope, out.dataobj.inter) == (slope, inter)
    np.testing.assert_array_equal(out.dataobj.get_unscaled(), stored)
    np.testing.assert_allclose(out.get_fdata(), stored * slope + inter)


@pytest.mark.parametrize("interruption", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("overwrite", [True, False])
def test_an_interrupted_write_leaves_nothing_half_done(
    interruption, overwrite, scan, tmp_path, identity, mri_denoise, monkeypatch
):
    out = tmp_path / "out"
    out.mkdir()
    if overwrite:
        (out / "scan.nii.gz").write_text("older")
    partial = []

    def half(self, path):
        partial.append(path)
        path.write_bytes(b"half of an ima")
        raise interruption

    monkeypatch.setattr(nibabel.Nifti1Image, "to_filename", half)
    options = ["--overwrite"] if overwrite else []
    outcome = mri_denoise("denoise", scan, out, "--no-refine", "--model", identity, *options)
    assert outcome.code == (1 if isinstance(interruption, OSError) else 130)
    assert partial[0].relative_to(out).parts[0].startswith(".") and partial[0].name.endswith(".nii.gz")
    assert {path.name: path.read_text() for path in out.iterdir()} == ({"scan.nii.gz": "older"} if overwrite else {})


def test_a_defect_in_one_scan_does_not_stop_the_others(scan, tmp_path, volume, identity, mri_denoise, monkeypatch):
    from monai_unsup_denoise.inference.denoiser import Denoiser

    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), scan.parent / "a.nii")
    load = Denoiser.load

    def out_of_memory_once(self, path, **options):
        if path.name == "a.nii":
            raise MemoryError("too large")
        return load(self, path, **options)

    monkeypatch.setattr(Denoiser, "load", out_of_memory_once)
    outcome = mri_denoise("denoise", scan.parent, tmp_path / "out", "--no-refine", "--model", identity)
    assert outcome.code == 1 and "a.nii: MemoryError: too large" in outcome.err
    assert (tmp_path / "out" / "scan.nii.gz").is_file()


def test_option_maps_has_the_maps_of_the_settings():
    assert [chosen.value for chosen in OutputMap] == list(MAPS)


@pytest.fixture
def series(tmp_path, volume):
    """A 4-D file of three volumes, each brighter than the one before."""
    image = nibabel.Nifti1Image(np.stack([volume, 2 * volume, 3 * volume], axis=-1), np.diag([1.0, 1, 2, 1]))
    image.header["pixdim"][4] = 2.5
    image.header.set_xyzt_units("mm", "sec")
    (tmp_path / "in").mkdir()
    nibabel.save(image, tmp_path / "in" / "series.nii.gz")
    return tmp_path / "in" / "series.nii.gz"


def test_4d_in_gives_4d_out_with_4d_maps(series, tmp_path, identity, mri_denoise):
    command = ("denoise", series, tmp_path / "out.nii.gz", "--no-refine", "--model", identity)
    outcome = mri_denoise(*command, "--maps", "sigma", "--maps", "residual")
    assert outcome.code == 0, outcome.err
    sidecar = json.loads((tmp_path / "out.json").read_text())
    assert sidecar["volumes"] == 3 and f"series.nii.gz: 3 volumes, sigma {sidecar['sigma']:.4g} (" in outcome.out
    before = nibabel.load(series)
    out, residual, sigma = (nibabel.load(tmp_path / f"out{end}.nii.gz") for end in ("", "_residual", "_sigma"))
    assert out.shape == residual.shape == (18, 17, 6, 3) and sigma.shape == (18, 17, 6)
    assert out.header.get_zooms() == before.header.get_zooms() and out.header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_allclose(out.get_fdata() + residual.get_fdata(), before.get_fdata(), rtol=1e-5)
    np.testing.assert_allclose(sigma.get_fdata(), sidecar["sigma"], rtol=1e-5)
    assert sidecar["sigma_percent"] == pytest.approx(
        100 * sidecar["sigma"] / np.percentile(out.get_fdata()[..., 2], 99.9), rel=1e-4
    )


def test_option_volume_gives_a_volume_as_if_alone(series, tmp_path, volume, smoothing, mri_denoise):
    nibabel.save(nibabel.Nifti1Image(2 * volume, np.diag([1.0, 1, 2, 1])), tmp_path / "alone.nii.gz")
    for name, scan, option in (("one", series, ("--volume", "1")), ("other", tmp_path / "alone.nii.gz", ())):
        command = ("denoise", scan, tmp_path / f"{name}.nii.gz", "--no-refine", "--model", smoothing, "--dtype", "same")
        outcome = mri_denoise(*command, *option)
        assert outcome.code == 0, outcome.err
    one, other = (nibabel.load(tmp_path / f"{name}.nii.gz") for name in ("one", "other"))
    np.testing.assert_array_equal(one.get_fdata(), other.get_fdata())
    assert np.abs(one.get_fdata() - 2 * volume).max() > 1 and json.loads((tmp_path / "one.json").read_text())["volume"]


@pytest.mark.parametrize(
    ("source", "number", "reason"),
    [
        ("in/series.nii.gz", 3, r"series.nii.gz: no volume 3, there are 0 to 2; give another number"),
        ("in", 0, "--volume 0: chooses from one file with several volumes; "),
    ],
)
def test_option_volume_needs_a_file_and_its_number(source, number, reason, series, tmp_path, identity, mri_denoise):
    out = tmp_path / "out" / ("" if source == "in" else "x.nii")
    outcome = mri_denoise("denoise", tmp_path / source, out, "--volume", number, "--model", identity)
    assert outcome.code == 1 and reason in outcome.err and outcome.err.count("\n") == 1
    assert not list(tmp_path.rglob("out/**/*.*"))


def test_an_interrupted_series_leaves_nothing(series, tmp_path, identity, mri_denoise, monkeypatch):
    from monai_unsup_denoise.inference.denoiser import Denoiser

    denoise_image, during = Denoiser.denoise_image, []

    def interrupted(self, image, *arguments, **options):
        during.append([path.name for path in (tmp_path / "out").rglob("*.nii.gz")])
        if len(during) == 2:
            raise KeyboardInterrupt
        return denoise_image(self, image, *arguments, **options)

    monkeypatch.setattr(Denoiser, "denoise_image", interrupted)
    command = ("denoise", series, tmp_path / "out", "--no-refine", "--model", identity, "--maps", "residual")
    assert mri_denoise(*command).code == 130
    assert sorted(during[1]) == ["series.nii.gz", "series_residual.nii.gz"]  # hidden
    assert not list((tmp_path / "out").iterdir())
