"""The container image: what it is, and that it denoises read-only, offline and for any user, as the command does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise import __version__
from tests_container.conftest import SOURCE, Run
from tests_container.podman import Podman

COMMAND = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()"]
SCAN = "sub-01/anat/sub-01_T1w.nii.gz"
DENOISED = "sub-01/anat/sub-01_desc-denoised_T1w.nii.gz"


@pytest.fixture(scope="session")
def config(podman: Podman, image: str) -> dict:
    """What the engine knows of the image."""
    return json.loads(podman("image", "inspect", image))[0]


@pytest.fixture
def dataset(run: Run, tmp_path: Path) -> Path:
    """A BIDS dataset, mounted at /data: one scan, a bright block with noise of sigma 50."""
    folder = tmp_path / "data"
    clean = np.zeros((32, 30, 28))
    clean[6:-6, 6:-6, 6:-6] = 600
    parts = np.random.default_rng(0).normal(0, 50, (2, *clean.shape))
    scan = nibabel.Nifti1Image(np.hypot(clean + parts[0], parts[1]).astype(np.float32), np.eye(4))
    scan.header.set_xyzt_units("mm")
    (folder / SCAN).parent.mkdir(parents=True)
    nibabel.save(scan, folder / SCAN)
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    return folder


def here(*arguments: object) -> None:
    """Run `mri-denoise ARGUMENTS` of the working tree, with the threads of the container."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*COMMAND, *map(str, arguments)], env=environment, check=True, capture_output=True)


def voxels(path: Path) -> np.ndarray:
    return np.asanyarray(nibabel.load(path).dataobj)


def test_the_bids_app_runs_read_only_and_offline(run, dataset, tmp_path):
    done = run("/data", "/out", "participant", "--participant-label", "01")
    assert done.returncode == 0, done.stderr
    assert "sigma" in done.stdout
    here("bids", dataset, tmp_path / "here", "participant")
    in_container = {path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*")}
    assert in_container == {path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*")}
    np.testing.assert_array_equal(voxels(tmp_path / "out" / DENOISED), voxels(tmp_path / "here" / DENOISED))


def test_denoise_gives_the_voxels_of_the_command(run, dataset, tmp_path):
    done = run("denoise", f"/data/{SCAN}", "/out/denoised.nii.gz", "--maps", "sigma")
    assert done.returncode == 0, done.stderr
    here("denoise", dataset / SCAN, tmp_path / "here.nii.gz", "--maps", "sigma")
    np.testing.assert_array_equal(voxels(tmp_path / "out" / "denoised.nii.gz"), voxels(tmp_path / "here.nii.gz"))
    owner = (tmp_path / "out" / "denoised.nii.gz").stat()
    assert (owner.st_uid, owner.st_gid) == (4321, 4321)


@pytest.mark.parametrize(
    ("arguments", "beginning"),
    [
        (("/data", "/out", "group"), "error: group: no such level"),
        (("/nowhere", "/out", "participant"), "error: /nowhere"),
        (("denoise", "/data/none.nii.gz", "/out/x.nii.gz"), "error: /data/none.nii.gz"),
        (("denoise", f"/data/{SCAN}", "/data/x.nii.gz"), "error: /data"),
        (("denoise", f"/data/{SCAN}", "/x/x.nii.gz"), "error: /x"),
        (("train",), "error: "),
    ],
)
def test_a_mistake_is_one_line(arguments, beginning, run, dataset):
    done = run(*arguments)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(beginning)


def test_an_unwritable_output_folder_is_one_line(run, dataset, tmp_path):
    (tmp_path / "out").chmod(0o755)
    done = run("/data", "/out", "participant")
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("error: /out")


def test_version_and_help_answer(run):
    assert run("--version").stdout == f"mri-denoise {__version__}\n"
    assert run().stdout == run("--help").stdout != ""
    assert "OUTPUT_DIR" in run("bids", "--help").stdout


def test_threads_come_from_the_environment(run):
    code = "import torch; print(torch.get_num_threads())"
    python = ("--entrypoint=python3",)
    assert run("-c", code, options=(*python, "--env=OMP_NUM_THREADS=1")).stdout == "1\n"
    assert run("-c", code, options=(*python, "--env=OMP_NUM_THREADS=2")).stdout == "2\n"


def test_the_labels_say_what_it_is(config):
    prefix = "org.opencontainers.image."
    labels = {name.removeprefix(prefix): text for name, text in config["Labels"].items() if name.startswith(prefix)}
    assert (labels["title"], labels["version"]) == ("monai-unsup-denoise", __version__)
    assert (labels["source"], labels["licenses"]) == (SOURCE, "Apache-2.0")
    assert labels["description"] and labels["authors"]


def test_its_user_is_not_root(config):
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])


def test_it_has_less_than_2500_megabytes(config, run):
    code = "import torch; print(torch.version.cuda)"
    if run("-c", code, options=("--entrypoint=python3",)).stdout != "None\n":
        pytest.skip("pip found the CUDA build of PyTorch here")
    print(f"\nsize of the image: {config['Size'] / 1e6:.0f} MB")
    assert config["Size"] < 2.5e9


def test_nothing_of_the_build_is_left(run):
    looked_for = "/src /wheels /etc/pip.conf /run/secrets /opt/mri-denoise/bin/pip"
    listed = run("-c", f"ls -d {looked_for} 2>/dev/null; true", options=("--entrypoint=sh",))
    assert (listed.returncode, listed.stdout) == (0, "")
