"""The walk of a benchmark cell that CONTRIBUTING.md describes, followed in the running program."""

import json
import re
import sys
from pathlib import Path

import nibabel
import numpy as np

from monai_unsup_denoise.benchmark import report

MOST_FILES = 8


def described_walk(repository: Path) -> list[str]:
    """The numbered files of the walk in CONTRIBUTING.md."""
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("**A benchmark cell")[2].partition("Then comes the report")[0]
    return re.findall(r"^\d\. `([\w/.]+)`", section, re.MULTILINE)


def test_cell_passes_the_files_that_are_described(repository, tmp_path, monkeypatch, mri_denoise):
    ball = np.linalg.norm(np.indices((20, 18, 16)).T - 8, axis=-1).T < 6
    nibabel.save(nibabel.Nifti1Image(500 * ball.astype(np.float32), np.eye(4)), tmp_path / "scan.nii")
    entered: list[str] = []

    def note(frame, event, _):
        if event == "call":
            entered.append(frame.f_code.co_filename)

    monkeypatch.setattr(report, "write_report", lambda *_: sys.setprofile(None))
    sys.setprofile(note)
    try:
        options = ["--method", "noisy", "--level", 10, "--output-dir", tmp_path / "out"]
        assert mri_denoise("benchmark", "--volume", tmp_path / "scan.nii", *options).code == 0
    finally:
        sys.setprofile(None)
    rooms = [repository / "monai_unsup_denoise" / room for room in ("cli/benchmark.py", "benchmark")]
    passed = {Path(name) for name in entered if any(Path(name).is_relative_to(room) for room in rooms)}
    passed = {path for path in passed if path.name != "__init__.py"}  # of a folder that is looked into
    settings = json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())
    method = settings["methods"]["noisy"]["target"].rpartition(".")[0].replace(".", "/") + ".py"  # in its own process
    walk = described_walk(repository)
    assert len(walk) <= MOST_FILES
    assert {path.relative_to(repository).as_posix() for path in passed} | {method} == set(walk)
