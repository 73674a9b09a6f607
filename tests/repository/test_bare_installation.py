"""`pip install .` in an empty environment denoises; what needs an extra says so in one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.extras import EXTRAS
from monai_unsup_denoise.io.dicom import find_series, read_series
from tests.io.dicom.synthetic import write_series

pytestmark = pytest.mark.slow

#: But filelock, which PyTorch needs itself.
OPTIONAL = sorted({module for modules in EXTRAS.values() for module in modules} - {"filelock"})


@pytest.fixture(scope="module")
def bare(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a new environment with this package, its dependencies and no extra.

    The variable INSTALLED names one that exists, as that of a release.
    """
    if os.environ.get("INSTALLED"):
        yield repository / os.environ["INSTALLED"] / "bin"
        return
    tree = tmp_path_factory.mktemp("tree")
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md", "constraints.txt"):
        shutil.copy(repository / name, tree)
    for name in ("monai_unsup_denoise", "transforms", "bundles"):
        shutil.copytree(repository / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    environment = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "-qq", "--no-input", "-c", tree / "constraints.txt"]
    torch = next(line for line in (tree / "constraints.txt").read_text().splitlines() if line.startswith("torch=="))
    for what in (torch, tree):
        subprocess.run([*pip, what], check=True)
    yield environment / "bin"
    shutil.rmtree(environment)  # a gigabyte


@pytest.fixture
def run(bare, tmp_path):
    """Run a program of the bare environment in `tmp_path`."""

    def call(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [bare / program, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return call


@pytest.fixture
def configs(run) -> Path:
    """The folder of the configs of the installed bundle."""
    code = "from monai_unsup_denoise.bundle_folder import bundle_folder; print(bundle_folder() / 'configs')"
    return Path(run("python", "-c", code).stdout.strip())


def noisy_block(shape=(24, 26, 22)) -> tuple[np.ndarray, np.ndarray]:
    """A bright block, and the same with Rician noise of sigma 50."""
    clean = np.zeros(shape)
    clean[4:-4, 4:-4, 4:-4] = 600
    parts = np.random.default_rng(0).normal(0, 50, (2, *shape))
    return clean, np.hypot(clean + parts[0], parts[1]).astype(np.float32)


def test_no_optional_package_is_installed(run):
    code = f"import importlib.util as u; print([name for name in {OPTIONAL} if u.find_spec(name)])"
    assert run("python", "-c", code).stdout.strip() == "[]"


def test_the_command_and_the_bundle_denoise_nifti(run, configs, tmp_path):
    clean, noisy = noisy_block()
    (tmp_path / "in").mkdir()
    nibabel.save(nibabel.Nifti1Image(noisy, np.eye(4)), tmp_path / "in" / "scan.nii.gz")
    done = run("mri-denoise", "denoise", "in/scan.nii.gz", "out.nii.gz", "--maps", "sigma")
    assert done.returncode == 0, done.stderr
    denoised = nibabel.load(tmp_path / "out.nii.gz").get_fdata()
    assert np.mean((denoised - clean) ** 2) < 0.25 * np.mean((noisy - clean) ** 2)

    arguments = ["--bundle_root", configs.parent, "--dataset_dir", "in", "--output_dir", "bundle"]
    done = run("python", "-m", "monai.bundle", "run", "--config_file", configs / "inference.json", *arguments)
    assert done.returncode == 0, done.stderr
    again = nibabel.load(tmp_path / "bundle" / "scan_denoised.nii.gz").get_fdata()
    np.testing.assert_array_equal(again, denoised)


def test_a_dicom_series_becomes_a_derived_series(run, tmp_path):
    clean, noisy = noisy_block()
    write_series(tmp_path / "in", noisy.round().astype(np.uint16))
    done = run("mri-denoise", "denoise", "in", "out")
    assert done.returncode == 0, done.stderr
    [series] = find_series(tmp_path / "out")
    assert np.mean((read_series(series).numpy() - clean) ** 2) < 0.25 * np.mean((noisy - clean) ** 2)


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("train", "train"),
        ("evaluate", "train"),
        ("demo", "train"),
        ("benchmark", "benchmark"),
        ("export-onnx x.onnx", "onnx"),
    ],
)
def test_a_command_names_its_extra_in_one_line(command, extra, run):
    done = run("mri-denoise", *command.split())
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith(f": not installed; pip install 'monai-unsup-denoise[{extra}]'\n")


def test_the_bundle_s_training_names_its_extra(run, configs):
    arguments = ["--config_file", configs / "train.json", "--bundle_root", configs.parent]
    done = run("python", "-m", "monai.bundle", "run", "training", *arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert done.stderr.rstrip().endswith(": not installed; pip install 'monai-unsup-denoise[train]'")
