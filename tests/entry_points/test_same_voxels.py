"""Whichever door a noisy volume comes in by, the same voxels come out, at the same place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.io.dicom import find_series, read_series
from tests.io.dicom.synthetic import block, write_series

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"
pytestmark = pytest.mark.slow  # a process each; `make test-doors` runs them

TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SHAPE = (28, 32, 10)

Result = tuple[np.ndarray, np.ndarray | None]


def run(*command: object, cwd: Path = ROOT, **environment: str) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def read_nifti(path: Path) -> Result:
    image = nibabel.load(path)
    return image.get_fdata(dtype=np.float32), image.affine


def read_dicom(folder: Path) -> Result:
    volume = read_series(find_series(folder)[0])
    return volume.numpy(), volume.affine.numpy()


def python_of(environment: str) -> Path:
    """The interpreter of an environment that a `make` target makes."""
    python = ROOT / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"needs the environment {environment}: make test-{environment.removeprefix('.')}")
    return python


def bundle_run(scan: Path, series: Path, folder: Path) -> Result:
    config = BUNDLE / "configs" / "inference.json"
    command = (sys.executable, "-m", "monai.bundle", "run", "--config_file", config)
    run(*command, "--bundle_root", BUNDLE, "--dataset_dir", scan.parent, "--output_dir", folder)
    return read_nifti(folder / "scan_denoised.nii.gz")


def command_line(scan: Path, series: Path, folder: Path) -> Result:
    run(sys.executable, "-c", MAIN, "denoise", scan, folder / "out.nii.gz")
    return read_nifti(folder / "out.nii.gz")


def command_line_dicom(scan: Path, series: Path, folder: Path) -> Result:
    run(sys.executable, "-c", MAIN, "denoise", series, folder / "out")
    return read_dicom(folder / "out")


def bids(scan: Path, series: Path, folder: Path) -> Result:
    anat = folder / "dataset" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    shutil.copy(scan, anat / "sub-01_T1w.nii.gz")
    (folder / "dataset" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    run(sys.executable, "-c", MAIN, "bids", folder / "dataset", folder / "out", "participant")
    return read_nifti(folder / "out" / "sub-01" / "anat" / "sub-01_desc-denoised_T1w.nii.gz")


def python_array(scan: Path, series: Path, folder: Path) -> Result:
    denoiser = Denoiser.from_bundle()
    return denoiser.denoise_image(denoiser.wrap(read_nifti(scan)[0])).denoised, None


def torchscript(scan: Path, series: Path, folder: Path) -> Result:
    image = Denoiser.from_bundle().load(scan)
    with torch.no_grad():
        pred = torch.jit.load(BUNDLE / "models" / "model.ts")(image.as_tensor()[None])
    return (pred[0, 0] * image.meta["reference"]).numpy(), None


def onnx(scan: Path, series: Path, folder: Path) -> Result:
    import onnxruntime

    run(sys.executable, "-c", MAIN, "export-onnx", folder / "model.onnx")
    image = Denoiser.from_bundle().load(scan)
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    [pred] = session.run(["pred"], {"image": image.as_tensor()[None].numpy()})
    return pred[0, 0] * image.meta["reference"], None


def exported_zip(scan: Path, series: Path, folder: Path) -> Result:
    run(sys.executable, "-c", MAIN, "export-bundle", folder / "bundle.zip")
    zipfile.ZipFile(folder / "bundle.zip").extractall(folder)
    root = folder / "brain_mri_denoise"
    assert (root / "monai_unsup_denoise").is_dir(), "the zip must not borrow the package that is installed here"
    command = (sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json")
    run(*command, "--dataset_dir", scan.parent, "--output_dir", folder / "out", cwd=root, PYTHONPATH=str(root))
    return read_nifti(folder / "out" / "scan_denoised.nii.gz")


def pyfunc(scan: Path, series: Path, folder: Path) -> Result:
    import mlflow

    from monai_unsup_denoise.tracking.mlflow_model import save_mlflow_model

    save_mlflow_model(folder / "model", BUNDLE / "models" / "model.pt")
    return mlflow.pyfunc.load_model(str(folder / "model")).predict(str(scan)), None


def monai_label(scan: Path, series: Path, folder: Path) -> Result:
    python = python_of(".label")
    shutil.copytree(scan.parent, folder / "studies")
    script = ROOT / "tests_apps" / "label" / "infer_once.py"
    run(python, script, ROOT / "apps" / "label", folder / "studies", "scan", folder / "out.nii.gz")
    return read_nifti(folder / "out.nii.gz")


def monai_deploy(scan: Path, series: Path, folder: Path) -> Result:
    python = python_of(".deploy")
    libraries = next(python.parents[1].glob("lib/python3*/site-packages/nvidia/cu13/lib"), Path("/none"))
    app = ROOT / "apps" / "deploy" / "app.py"
    run(python, app, "-i", series, "-o", folder, LD_LIBRARY_PATH=f"{libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}")
    return read_dicom(folder)


MAIN = "from monai_unsup_denoise.cli import main; main()"
DICOM_DOORS = (command_line_dicom, monai_deploy)
DOORS = (
    bundle_run,
    command_line,
    bids,
    python_array,
    torchscript,
    onnx,
    exported_zip,
    pyfunc,
    monai_label,
    *DICOM_DOORS,
)


@pytest.fixture(scope="module")
def scan_and_series(tmp_path_factory) -> tuple[Path, Path]:
    """The same noisy volume as NIfTI and as a DICOM series: oblique, pixels that are not square."""
    folder = tmp_path_factory.mktemp("doors")
    lps = write_series(folder / "series", block(SHAPE))
    (folder / "nifti").mkdir()
    nibabel.save(nibabel.Nifti1Image(block(SHAPE).astype(np.float32), TO_RAS @ lps), folder / "nifti" / "scan.nii.gz")
    return folder / "nifti" / "scan.nii.gz", folder / "series"


@pytest.fixture(scope="module")
def expected(scan_and_series) -> tuple[np.ndarray, np.ndarray]:
    """What `Denoiser` makes of the file; and that it does something."""
    return denoised(scan_and_series[0], fast=False)


@pytest.fixture(scope="module")
def expected_of_the_network(scan_and_series) -> tuple[np.ndarray, np.ndarray]:
    """The same without the second look, which is no part of an exported network."""
    return denoised(scan_and_series[0], fast=True)


def denoised(scan: Path, *, fast: bool) -> tuple[np.ndarray, np.ndarray]:
    volume = Denoiser.from_bundle(device="cpu", settings={"fast": fast}).denoise(scan)
    assert np.abs(volume.denoised - volume.noisy).mean() > 10
    return volume.denoised, volume.affine


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_every_door_gives_the_same_voxels_at_the_same_place(
    door: Callable[[Path, Path, Path], Result], scan_and_series, expected, expected_of_the_network, tmp_path
) -> None:
    voxels, affine = door(*scan_and_series, tmp_path)
    if door in (torchscript, onnx):
        expected = expected_of_the_network
    # A DICOM series stores integers, here in units of one.
    tolerance = 0.5 if door in DICOM_DOORS else 0.0
    np.testing.assert_allclose(voxels, expected[0], rtol=0, atol=tolerance + 1e-4 * np.ptp(expected[0]))
    if affine is not None:
        np.testing.assert_allclose(affine, expected[1], rtol=0, atol=1e-4)
