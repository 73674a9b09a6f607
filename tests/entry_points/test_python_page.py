"""The code on docs/python.md runs, in order, and does what the page says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.io.dicom.synthetic import block, write_series

SHAPE = (20, 18, 16)
#: What the page shows must be true at its end.
CHECKS = """
assert clean.shape == voxels.shape == residual.shape == noise.map.shape == from_dicom.shape == (20, 18, 16)
assert series.shape == (20, 18, 16, 2) and type(clean) is type(series) is type(from_dicom) is nibabel.Nifti1Image
assert isinstance(noise.sigma, float) and noise.report["sigma"] == noise.sigma
assert batch["image"].shape == (1, 1, 20, 18, 16)
assert set(volume.maps) == {"uncertainty", "uncertainty_95"}
print("done")
"""

pytestmark = pytest.mark.slow  # a process; `make test-entry-points` runs it


def code_of(page: Path, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def scans(tmp_path) -> Path:
    """A folder with the files that the page names."""
    stack = block(SHAPE)
    nibabel.save(nibabel.Nifti1Image(stack.astype(np.float32), np.eye(4)), tmp_path / "scan.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.stack([stack, stack], -1).astype("f4"), np.eye(4)), tmp_path / "series.nii.gz")
    write_series(tmp_path / "dicom_series", stack)
    return tmp_path


def test_code_of_the_page_runs(repository, scans):
    blocks = code_of(repository / "docs" / "python.md", "python")
    assert len(blocks) == 7
    done = subprocess.run(
        [sys.executable, "-c", "\n".join([*blocks, CHECKS])], cwd=scans, capture_output=True, text=True, timeout=550
    )
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stderr[-3000:]
    assert "the image (shape (20, 18, 16)): negative values" in done.stdout
    assert (scans / "denoised.nii.gz").exists()


def test_config_of_the_page_makes_the_transform(repository):
    from monai.bundle import ConfigParser

    from monai_unsup_denoise import DenoiseMRId

    [content] = code_of(repository / "docs" / "python.md", "json")
    transform = ConfigParser({"step": json.loads(content)}).get_parsed_content("step")
    assert isinstance(transform, DenoiseMRId) and transform.keys == ("image",)


def test_code_of_the_page_passes_mypy(repository, tmp_path):
    (tmp_path / "page.py").write_text("\n".join(code_of(repository / "docs" / "python.md", "python")))
    command = [sys.executable, "-m", "mypy", "--config-file", "setup.cfg", tmp_path / "page.py"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    of_nibabel = '"FileBasedImage" has no attribute "get_fdata"'  # what `nibabel.load` says that it returns
    lines = [line for line in done.stdout.splitlines() if "page.py" in line and "error: " in line]
    assert [line for line in lines if of_nibabel not in line] == [], done.stdout + done.stderr
