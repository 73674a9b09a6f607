"""The walks that CONTRIBUTING.md describes, followed in the running program."""

import re
import sys
import traceback
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.cli import main
from monai_unsup_denoise.networks import PhysicsGuidedDenoiser

MOST_FILES = 8


class ReachedNetworkError(Exception):
    """Ends the walk where the network begins."""


def described_walk(repository: Path) -> list[str]:
    """The numbered files of the first walk in CONTRIBUTING.md."""
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("**A scan, from the command line")[2].partition("Then comes the network")[0]
    return re.findall(r"^\d\. `([\w/.]+)`", section, re.MULTILINE)


def test_scan_passes_the_files_that_are_described(repository, tmp_path, monkeypatch):
    scan = tmp_path / "scan.nii.gz"
    volume = 900 + 30 * np.random.default_rng(0).standard_normal((20, 18, 16))
    nibabel.save(nibabel.Nifti1Image(volume.astype(np.float32), np.eye(4)), scan)
    stack: list[str] = []
    entered: list[str] = []

    def forward(self, *_):
        sys.setprofile(None)
        stack.extend(frame.filename for frame in traceback.extract_stack())
        raise ReachedNetworkError

    def note(frame, event, _):
        if event == "call":
            entered.append(frame.f_code.co_filename)

    # The network as a whole; before it, its noise encoder alone is asked.
    monkeypatch.setattr(PhysicsGuidedDenoiser, "forward", forward)
    sys.setprofile(note)
    try:
        with pytest.raises(ReachedNetworkError):
            main(["denoise", str(scan), str(tmp_path / "out.nii.gz")])
    finally:
        sys.setprofile(None)
    walk = described_walk(repository)
    assert len(walk) <= MOST_FILES
    read, estimated = (f"monai_unsup_denoise/{name}.py" for name in ("io/reader", "inference/noise"))
    # Both have returned when the network is called.
    assert {str(repository / read), str(repository / estimated)} <= set(entered)
    inside = [Path(name) for name in stack if Path(name).is_relative_to(repository / "monai_unsup_denoise")]
    through = list(dict.fromkeys(path.relative_to(repository).as_posix() for path in inside))
    assert through == [name for name in walk if name not in (read, estimated)]
