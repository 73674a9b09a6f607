"""The application, run as a process, and a study for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests_apps.deploy.studies import StudyFiles, noisy_head

REPOSITORY = Path(__file__).resolve().parents[2]
APP = REPOSITORY / "apps" / "deploy"
BUNDLE = REPOSITORY / "bundles" / "brain_mri_denoise"
VARIABLES = ("HOLOSCAN_INPUT_PATH", "HOLOSCAN_OUTPUT_PATH", "HOLOSCAN_MODEL_PATH", "HOLOSCAN_LOG_LEVEL")


class Outcome(NamedTuple):
    code: int
    log: str  # stdout and stderr


def run_process(*command: object, cwd: Path = REPOSITORY, **environment: str) -> Outcome:
    """Exit code and output of a command, run with these variables added."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    run = subprocess.run(
        [str(word) for word in command],
        env={**kept, **environment},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    return Outcome(run.returncode, run.stdout)


def run_app(*arguments: object, app: Path = APP, cwd: Path = REPOSITORY, **environment: str) -> Outcome:
    """Run ``python app.py`` with these arguments."""
    return run_process(sys.executable, app / "app.py", *arguments, cwd=cwd, **environment)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real volumes; a test that asks for it is skipped where there is none."""
    folder = REPOSITORY / os.environ.get("MRI_DENOISE_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip("needs the MRI volumes: set MRI_DENOISE_DATA to their folder")
    return folder.resolve()


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two MR series, 3 and 7; localisers of one and of three slices, a CT series and a structured report."""
    files = StudyFiles(tmp_path_factory.mktemp("in") / "study")
    files.add_images(noisy_head((8, 40, 36), 1), 3, slope=0.37, intercept=-5.0)
    files.add_images(noisy_head((6, 32, 44), 2), 7, pixel_spacing=(1.5, 0.9), slice_spacing=4.0)
    files.add_images(noisy_head((1, 40, 40), 3), 1)
    for turn in (0, 90, 180):
        files.add_images(noisy_head((1, 40, 40), 4), 2, turned_by=turn, series="2.25.2")
    files.add_images(noisy_head((4, 32, 32), 5), 12, modality="CT")
    files.add_report(99)
    return files.folder


@pytest.fixture(scope="session")
def denoised(study: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """The output folder and the outcome of the application on the study, with the bundled model."""
    folder = tmp_path_factory.mktemp("out")
    return folder, run_app("-i", study, "-o", folder)
