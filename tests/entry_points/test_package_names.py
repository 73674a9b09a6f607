"""`import monai_unsup_denoise` loads nothing heavy, and knows its names, for people and for mypy."""

import subprocess
import sys

import pytest

import monai_unsup_denoise

LIGHT = """
import sys, time
before = set(sys.modules)
import monai_unsup_denoise
new = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
assert new == {"monai_unsup_denoise"}, new
from monai_unsup_denoise import *
assert callable(denoise) and isinstance(DenoiseMRI, type) and issubclass(InputError, ValueError)
assert monai_unsup_denoise.denoise is denoise is monai_unsup_denoise.inference.denoise
"""
TYPED = """
import numpy as np
import torch
from nibabel.nifti1 import Nifti1Image
from monai_unsup_denoise import DenoiseMRId, ScanNoise, denoise

def of(array: np.ndarray, tensor: torch.Tensor, image: Nifti1Image) -> None:
    reveal_type(denoise(array))
    reveal_type(denoise(tensor, strength=0.8))
    reveal_type(denoise(image))
    reveal_type(denoise("scan.nii.gz"))
    clean, noise = denoise(array, return_noise=True)
    reveal_type(clean)
    reveal_type(noise.sigma)
    reveal_type(DenoiseMRId("image", strength=0.8))
    denoise(array, power=0.8)
    denoise(array, strength="0.8")
"""
TYPES = ["ndarray", "Tensor", "SpatialImage", "SpatialImage", "ndarray", "float | None", "DenoiseMRId"]


def test_import_loads_no_other_package(tmp_path):
    done = subprocess.run([sys.executable, "-c", LIGHT], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_denoising_in_python_prints_nothing(tmp_path):
    """MONAI, for one, would warn of a decoder that is not installed."""
    call = "import numpy; from monai_unsup_denoise import denoise; denoise(numpy.ones((16, 16, 8)), refine=False)"
    done = subprocess.run([sys.executable, "-c", call], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", monai_unsup_denoise.__all__)
def test_name_of_the_package_is_there(name):
    assert getattr(monai_unsup_denoise, name).__name__ == name


@pytest.mark.slow
def test_mypy_sees_the_types_and_the_mistakes(tmp_path, repository):
    (tmp_path / "use.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--config-file", "setup.cfg", tmp_path / "use.py"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    revealed = [line for line in done.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(TYPES), done.stdout + done.stderr
    for line, expected in zip(revealed, TYPES, strict=True):
        assert expected in line, line
    wrong = {line.split(":")[1] for line in done.stdout.splitlines() if "use.py" in line and ": error:" in line}
    assert wrong == {
        str(number) for number, line in enumerate(TYPED.splitlines(), start=1) if "power" in line or '"0.8"' in line
    }
