"""`mri-denoise bids`: a dataset in, a valid derivative dataset out, and nothing written elsewhere."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise import __version__

T1W = "sub-01/anat/sub-01_desc-denoised_T1w"
T2W = "sub-02/ses-a/anat/sub-02_ses-a_run-1_desc-denoised_T2w"
PDW = "sub-02/ses-b/anat/sub-02_ses-b_desc-denoised_PDw"
OF_DATASET = {".bidsignore", "README.md", "dataset_description.json", "index.html"}


@pytest.fixture
def dataset(tmp_path, volume) -> Path:
    """Three good images, one of them not gzipped, and a phase image."""
    folder = tmp_path / "dataset"
    for name in (
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-01/anat/sub-01_part-phase_T1w.nii.gz",
        "sub-02/ses-a/anat/sub-02_ses-a_run-1_T2w.nii",
        "sub-02/ses-b/anat/sub-02_ses-b_PDw.nii.gz",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        image = nibabel.Nifti1Image(volume, np.diag([1.0, 1, 2, 1]))
        image.header.set_xyzt_units("mm")
        nibabel.save(image, folder / name)
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    (folder / "T1w.json").write_text(json.dumps({"RepetitionTime": 2.3, "InstitutionName": "x"}))
    return folder


def files_below(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def outputs_of(*stems: str) -> set[str]:
    """Image, sidecar and report of each scan."""
    images = {f"{stem}{ending}" for stem in stems for ending in (".nii.gz", ".json")}
    return images | {f"{Path(stem).parts[0]}/figures/{Path(stem).name}.html" for stem in stems}


def test_a_derivative_dataset_is_written_and_nothing_else(dataset, identity, mri_denoise):
    before = files_below(dataset)
    out = dataset / "derivatives" / "mri-denoise"
    outcome = mri_denoise("bids", dataset, out, "participant", "--no-refine", "--model", identity)
    assert (outcome.code, outcome.err) == (0, "")
    assert set(files_below(out)) == OF_DATASET | outputs_of(T1W, T2W, PDW)
    shutil.copytree(out, dataset.parent / "copy")
    shutil.rmtree(dataset / "derivatives")
    assert files_below(dataset) == before

    source = nibabel.load(dataset / "sub-01/anat/sub-01_T1w.nii.gz")
    derived = nibabel.load(dataset.parent / "copy" / f"{T1W}.nii.gz")
    np.testing.assert_array_equal(derived.affine, source.affine)
    np.testing.assert_allclose(derived.get_fdata(), source.get_fdata(), atol=0.1)
    sidecar = json.loads((dataset.parent / "copy" / f"{T1W}.json").read_text())
    assert sidecar["Sources"] == ["bids:raw:sub-01/anat/sub-01_T1w.nii.gz"]
    assert sidecar["RepetitionTime"] == 2.3 and "InstitutionName" not in sidecar
    assert sidecar["NoiseSigmaPercent"] == pytest.approx(
        100 * sidecar["NoiseSigma"] / np.percentile(source.get_fdata(), 99.9), rel=1e-4
    )
    assert sidecar["DenoisingModelSHA256"] == hashlib.sha256(identity.read_bytes()).hexdigest()
    assert sidecar["DenoisingSoftwareVersion"] == __version__


def test_options_act_as_in_denoise_and_are_in_the_sidecar(dataset, tmp_path, smoothing, mri_denoise):
    options = ["--model", smoothing, "--self-ensemble", "--keep-floor"]
    choice = ["--participant-label", "01", "--suffix", "T1w"]
    assert mri_denoise("bids", dataset, tmp_path / "out", "participant", *choice, *options).code == 0
    assert mri_denoise("bids", dataset, tmp_path / "plain", "participant", *choice, *options[:2]).code == 0
    scan = dataset / "sub-01/anat/sub-01_T1w.nii.gz"
    assert mri_denoise("denoise", scan, tmp_path / "alone.nii.gz", *options).code == 0
    paths = tmp_path / "out" / f"{T1W}.nii.gz", tmp_path / "plain" / f"{T1W}.nii.gz", tmp_path / "alone.nii.gz"
    derived, plain, alone = (nibabel.load(path).get_fdata() for path in paths)
    np.testing.assert_array_equal(derived, alone)
    assert np.abs(derived - plain).max() > 1e-3 * plain.max()
    used = [json.loads((tmp_path / name / f"{T1W}.json").read_text())["DenoisingOptions"] for name in ("out", "plain")]
    assert used == [["refine", "self_ensemble", "keep_floor"], ["refine"]]


def test_the_sidecar_says_what_is_read_of_the_noise(dataset, tmp_path, correlating, mri_denoise):
    command = ("participant", "--participant-label", "01", "--suffix", "T1w", "--no-refine", "--model", correlating)
    assert mri_denoise("bids", dataset, tmp_path / "out", *command).code == 0
    sidecar = json.loads((tmp_path / "out" / f"{T1W}.json").read_text())
    assert sidecar["DenoisingOptions"] == [] and sidecar["NoiseSigmaErrorPercent"] > 0
    assert sidecar["NoiseCorrelation"] == pytest.approx([0.4, 0.2, 0], abs=0.001)
    assert sidecar["NoiseIsCorrelated"] is True and sidecar["NoiseIsVarying"] is False and sidecar["NoiseCoils"] == 8


def test_existing_outputs_are_kept_and_the_rest_is_done(dataset, tmp_path, identity, mri_denoise):
    command = ("bids", dataset, tmp_path / "out", "participant", "--no-refine", "--model", identity)
    mri_denoise(*command)
    whole = files_below(tmp_path / "out")
    (tmp_path / "out" / f"{T1W}.nii.gz").write_text("kept, though changed")
    (tmp_path / "out" / f"{T2W}.json").unlink()  # as after an interruption
    (tmp_path / "out" / f"{PDW}.nii.gz").unlink()
    again = mri_denoise(*command)
    assert again.code == 0 and again.out.count("already done") == 1 and again.out.count("sigma") == 2
    after = files_below(tmp_path / "out")
    assert {name for name in whole if whole[name] != after[name]} == {f"{T1W}.nii.gz"}
    assert mri_denoise(*command, "--overwrite").code == 0
    assert files_below(tmp_path / "out") == whole


def test_the_same_command_continues_after_an_interruption(dataset, tmp_path, identity, mri_denoise, monkeypatch):
    from monai_unsup_denoise.inference.denoiser import Denoiser

    command = ("bids", dataset, tmp_path / "out", "participant", "--no-refine", "--model", identity)
    denoise_image, calls = Denoiser.denoise_image, []

    def interrupted(self, *arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return denoise_image(self, *arguments)

    monkeypatch.setattr(Denoiser, "denoise_image", interrupted)
    assert mri_denoise(*command).code == 130
    assert set(files_below(tmp_path / "out")) == OF_DATASET | outputs_of(T1W)
    assert mri_denoise(*command).out.count("already done") == 1
    assert set(files_below(tmp_path / "out")) == OF_DATASET | outputs_of(T1W, T2W, PDW)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork, which Windows has not")
def test_next_run_finishes_what_a_killed_one_began(dataset, tmp_path, identity, mri_denoise):
    """SIGKILL between the new image and its sidecar."""
    out = tmp_path / "out"
    command = ("bids", dataset, out, "participant", "--participant-label", "01", "--no-refine", "--model", identity)
    mri_denoise(*command)
    sidecar = out / f"{T1W}.json"
    child = os.fork()
    if not child:

        def kill(event, arguments):
            if event == "os.rename" and str(arguments[1]) == str(sidecar):
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        mri_denoise(*command, "--overwrite", "--self-ensemble")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not sidecar.exists() and (out / f"{T1W}.nii.gz").exists()
    assert "already done" in mri_denoise(*command).out
    assert json.loads(sidecar.read_text())["DenoisingOptions"] == ["self_ensemble"]
    assert set(files_below(out)) == OF_DATASET | outputs_of(T1W)


def test_a_bad_scan_does_not_stop_the_others(dataset, tmp_path, identity, mri_denoise):
    (dataset / "sub-01/anat/sub-01_T1w.nii.gz").write_text("no image")
    (dataset / "sub-02/ses-b/anat/sub-02_ses-b_PDw.nii.gz").unlink()
    (dataset / "sub-02/ses-b/anat/sub-02_ses-b_PDw.nii.gz").symlink_to("not-fetched")
    outcome = mri_denoise("bids", dataset, tmp_path / "out", "participant", "--no-refine", "--model", identity)
    assert outcome.code == 1
    first, t1w, pdw = outcome.err.splitlines()
    assert first == "error: 2 of 3 scans could not be denoised:"
    assert t1w.startswith("  sub-01/anat/sub-01_T1w.nii.gz: cannot be read as a volume")
    assert pdw == "  sub-02/ses-b/anat/sub-02_ses-b_PDw.nii.gz: its content is not here; fetch it first (datalad get)"
    assert set(files_below(tmp_path / "out")) == OF_DATASET | outputs_of(T2W)


@pytest.mark.parametrize(
    ("options", "stems"),
    [
        (["--participant-label", "01", "02"], [T1W, T2W, PDW]),
        (["--participant_label", "sub-02", "--session_label", "a", "b"], [T2W, PDW]),
        (["--participant-label", "02", "--participant-label", "01", "--suffix", "T1w", "T2w"], [T1W, T2W]),
        (["--session-label=b"], [PDW]),
    ],
)
def test_labels_are_read_as_bids_apps_read_them(options, stems, dataset, tmp_path, identity, mri_denoise):
    outcome = mri_denoise(
        "bids", dataset, tmp_path / "out", "participant", "--no-refine", "--model", identity, *options
    )
    assert outcome.code == 0, outcome.err
    assert set(files_below(tmp_path / "out")) == OF_DATASET | outputs_of(*stems)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{dataset}", "{out}", "group"], "group: no such level; give participant"),
        (["{dataset}/sub-01", "{out}", "participant"], "dataset_description.json is missing"),
        (["{dataset}", "{out}", "participant", "--participant-label", "7"], "sub-7: not in .*; there are: 01, 02"),
        (["{dataset}", "{out}", "participant", "--suffix", "FLAIR"], "no FLAIR image"),
        (["{dataset}", "{dataset}", "participant"], "would mix with the dataset itself"),
        (["{dataset}", "{out}/x", "participant"], "cannot be written"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(arguments, message, dataset, tmp_path, identity, mri_denoise):
    (tmp_path / "out").touch()  # a file where a folder is asked for, by the last
    before = files_below(tmp_path)
    words = [word.format(dataset=dataset, out=tmp_path / "out") for word in arguments]
    outcome = mri_denoise("bids", *words, "--no-refine", "--model", identity)
    assert outcome.code == 1 and len(outcome.err.splitlines()) == 1
    assert re.search(message, outcome.err)
    assert files_below(tmp_path) == before


def test_the_official_validator_finds_no_error(dataset, identity, mri_denoise):
    beside_python = f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"
    validator = shutil.which("bids-validator-deno", path=beside_python)
    if validator is None:
        pytest.skip("needs the BIDS validator: pip install bids-validator-deno")
    out = dataset / "derivatives" / "mri-denoise"
    mri_denoise("bids", dataset, out, "participant", "--no-refine", "--model", identity)
    done = subprocess.run([validator, str(out), "--json"], capture_output=True, text=True, timeout=120)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert done.returncode == 0


def test_link_in_the_output_leads_nowhere_else(dataset, tmp_path, identity, mri_denoise):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out" / "sub-01").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    outcome = mri_denoise("bids", dataset, tmp_path / "out", "participant", "--no-refine", "--model", identity)
    assert outcome.code == 1 and "sub-01_desc-denoised_T1w.nii.gz: lies outside the output folder" in outcome.err
    assert not list((tmp_path / "elsewhere").iterdir())
    assert set(files_below(tmp_path / "out")) == OF_DATASET | outputs_of(T2W, PDW)
