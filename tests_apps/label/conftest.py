"""The app in this process, as MONAI Label's own server runs it, and small scans."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from tests.io.dicom.synthetic import write_series
from tests_apps.label.scans import APP, MODEL, PATIENT, REPOSITORY, SECRET, head, save
from tests_apps.label.server import Server, serve

torch.set_num_threads(2)
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("label")


@pytest.fixture(scope="session")
def studies(folder: Path) -> Path:
    """Two scans, one of them labelled, a file that is no magnitude image, and a DICOM series."""
    studies = folder / "studies"
    save(studies / "scan_1.nii.gz", head(1))
    save(studies / "scan_2.nii", head(2))
    save(studies / "labels" / "final" / "scan_2.nii", (head(2) > 500).astype(np.uint8))
    tags = ("PatientName", "PatientID", "StudyDescription", "InstitutionName")
    write_series(studies / "series.1", np.rint(head(3)), **dict.fromkeys(tags, SECRET))
    return studies


@pytest.fixture(scope="session")
def bundle(folder: Path) -> Path:
    """A copy of the bundle, for trainings to write into."""
    copy = folder / MODEL
    shutil.copytree(REPOSITORY / "bundles" / MODEL / "configs", copy / "configs")
    (copy / "models").mkdir()
    shutil.copy(REPOSITORY / "bundles" / MODEL / "models" / "model.pt", copy / "models")
    return copy


@pytest.fixture(scope="session")
def clean_dir(folder: Path) -> Path:
    """Clean scans of two other subjects: one to train with, one held out."""
    for number in (1, 2):
        voxels = head(10 + number) * 0 + np.where(head(10 + number) > 400, 800.0 + 100 * number, 0)
        save(folder / "clean" / f"sub-{number}.nii.gz", voxels.astype(np.float32))
    return folder / "clean"


@pytest.fixture(scope="session")
def client(studies: Path, bundle: Path, clean_dir: Path) -> Iterator:
    """HTTP client of the app in this process, without a port."""
    from monailabel.config import settings

    settings.MONAI_LABEL_APP_DIR = str(APP)
    settings.MONAI_LABEL_STUDIES = str(studies)
    settings.MONAI_LABEL_APP_CONF = {"bundle": str(bundle), "clean_dir": str(clean_dir)}
    settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD = False
    settings.MONAI_LABEL_SESSIONS = False
    settings.MONAI_LABEL_TRACKING_URI = f"sqlite:///{bundle.parent}/mlruns.db"

    from fastapi.testclient import TestClient
    from monailabel.app import app

    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def server(studies: Path, clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app as a process, with a copy of the scans and another one named after a patient."""
    folder = tmp_path_factory.mktemp("server")
    scans = folder / "studies"
    shutil.copytree(studies, scans, ignore=shutil.ignore_patterns("labels", "*.json", ".lock"))
    save(scans / f"{PATIENT}.nii.gz", head(4))
    first = min((scans / "series.1").iterdir())
    first.rename(first.with_name(f"{PATIENT} 1.dcm"))
    with serve(folder, scans, "--conf", "clean_dir", clean_dir) as running:
        yield running


@pytest.fixture(scope="session")
def expected(studies: Path) -> Callable[[str], tuple[np.ndarray, np.ndarray, float]]:
    """Voxels, affine and sigma that `mri-denoise` finds for a scan in ``studies``."""
    from monai_unsup_denoise.inference.denoiser import Denoiser

    denoiser = Denoiser.from_bundle()

    def find(name: str) -> tuple[np.ndarray, np.ndarray, float]:
        volume = denoiser.denoise(studies / name)
        assert volume.sigma is not None
        return volume.denoised, volume.affine, volume.sigma

    return find


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], nibabel.Nifti1Image]:
    """The image in the bytes of a ``.nii.gz``."""

    def image(content: bytes) -> nibabel.Nifti1Image:
        path = tmp_path / "answer.nii.gz"
        path.write_bytes(content)
        return nibabel.load(path)

    return image
