"""One function for each entry point: from a scan, as a file and as a DICOM series, to voxels and affine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from monai_unsup_denoise import DenoiseMRId, denoise
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.io.dicom import find_series, read_series

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"
MRI_DENOISE = (sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()")

#: Voxels ``(X, Y, Z)``; the affine, None where only an array is returned.
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
    """The interpreter of an environment that a `make` target creates."""
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
    run(*MRI_DENOISE, "denoise", scan, folder / "out.nii.gz")
    return read_nifti(folder / "out.nii.gz")


def command_line_dicom(scan: Path, series: Path, folder: Path) -> Result:
    run(*MRI_DENOISE, "denoise", series, folder / "out")
    return read_dicom(folder / "out")


def bids(scan: Path, series: Path, folder: Path) -> Result:
    anat = folder / "dataset" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    shutil.copy(scan, anat / "sub-01_T1w.nii.gz")
    (folder / "dataset" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    run(*MRI_DENOISE, "bids", folder / "dataset", folder / "out", "participant")
    return read_nifti(folder / "out" / "sub-01" / "anat" / "sub-01_desc-denoised_T1w.nii.gz")


def python_file(scan: Path, series: Path, folder: Path) -> Result:
    volume = Denoiser.from_bundle().denoise(scan)
    return volume.denoised, volume.affine


def python_array(scan: Path, series: Path, folder: Path) -> Result:
    denoiser = Denoiser.from_bundle()
    return denoiser.denoise_image(denoiser.wrap(read_nifti(scan)[0])).denoised, None


def python_function(scan: Path, series: Path, folder: Path) -> Result:
    image = denoise(scan)
    return image.get_fdata(dtype=np.float32), image.affine


def python_function_dicom(scan: Path, series: Path, folder: Path) -> Result:
    image = denoise(series)
    return image.get_fdata(dtype=np.float32), image.affine


def python_function_array(scan: Path, series: Path, folder: Path) -> Result:
    return denoise(read_nifti(scan)[0]), None


def monai_transform(scan: Path, series: Path, folder: Path) -> Result:
    steps = [LoadImaged("image"), EnsureChannelFirstd("image"), DenoiseMRId("image")]
    image = Compose(steps)({"image": str(scan)})["image"]
    return image[0].numpy(), image.affine.numpy()


def torchscript_without_refinement(scan: Path, series: Path, folder: Path) -> Result:
    image = Denoiser.from_bundle().load(scan)
    with torch.no_grad():
        pred = torch.jit.load(BUNDLE / "models" / "model.ts")(image.as_tensor()[None])
    return (pred[0, 0] * image.meta["reference"]).numpy(), None


def onnx_without_refinement(scan: Path, series: Path, folder: Path) -> Result:
    import onnxruntime

    run(*MRI_DENOISE, "export-onnx", folder / "model.onnx")
    image = Denoiser.from_bundle().load(scan)
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    [pred] = session.run(["pred"], {"image": image.as_tensor()[None].numpy()})
    return pred[0, 0] * image.meta["reference"], None


def exported_zip(scan: Path, series: Path, folder: Path) -> Result:
    run(*MRI_DENOISE, "export-bundle", folder / "bundle.zip")
    zipfile.ZipFile(folder / "bundle.zip").extractall(folder)
    root = folder / "brain_mri_denoise"
    assert (root / "monai_unsup_denoise").is_dir(), "the zip must not use the package that is installed here"
    command = (sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/inference.json")
    run(*command, "--dataset_dir", scan.parent, "--output_dir", folder / "out", cwd=root, PYTHONPATH=str(root))
    return read_nifti(folder / "out" / "scan_denoised.nii.gz")


def mlflow_model(scan: Path, series: Path, folder: Path) -> Result:
    import mlflow

    from monai_unsup_denoise.tracking import save_mlflow_model

    save_mlflow_model(folder / "model", BUNDLE / "models" / "model.pt")
    return mlflow.pyfunc.load_model(str(folder / "model")).predict(str(scan)), None


def monai_label(scan: Path, series: Path, folder: Path) -> Result:
    python = python_of(".label")
    shutil.copytree(scan.parent, folder / "studies")
    script = ROOT / "tests_apps" / "label" / "infer_once.py"
    run(python, script, ROOT / "apps" / "label", folder / "studies", "scan", folder / "out.nii.gz")
    return read_nifti(folder / "out.nii.gz")


def monai_deploy(scan: Path, series: Path, folder: Path, *options: object) -> Result:
    python = python_of(".deploy")
    libraries = next(python.parents[1].glob("lib/python3*/site-packages/nvidia/cu13/lib"), Path("/none"))
    path = f"{libraries}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    run(python, ROOT / "apps" / "deploy" / "app.py", "-i", series, "-o", folder, *options, LD_LIBRARY_PATH=path)
    return read_dicom(folder)


def monai_deploy_torchscript(scan: Path, series: Path, folder: Path) -> Result:
    return monai_deploy(scan, series, folder, "-m", BUNDLE / "models" / "model.ts")


#: These store integers, in units of one.
DICOM = (command_line_dicom, monai_deploy, monai_deploy_torchscript)
#: With refinement, which an exported network does not have.
COMPLETE = (
    *(bundle_run, command_line, bids, python_file, python_array, exported_zip, mlflow_model, monai_label),
    *(python_function, python_function_dicom, python_function_array, monai_transform),
    *DICOM,
)
WITHOUT_REFINEMENT = (torchscript_without_refinement, onnx_without_refinement)
