"""The commands that denoise or export run as the pages show them, on small files with the names that the pages use."""

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.cli import main
from tests.io.dicom.synthetic import block, write_series
from tests_docs.conftest import REPOSITORY
from tests_docs.shell_blocks import commands

RUN = ("denoise", "bids", "export-onnx", "export-torchscript", "export-bundle")
#: A cluster is in `make test-scale`.
ELSEWHERE = ("--dask",)
WEIGHTS = {
    "my/run/model.pt": "model.pt",
    "federated/model/model.pt": "model.pt",
    "my/paper/model.pt": "model_paper.pt",
    "run/model.pt": "model.pt",
}


def shown() -> list[tuple[str, ...]]:
    """Each command once: those with all their arguments, and no placeholder in capitals among them."""
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    found = {tuple(words) for page in pages for words in commands(page.read_text("utf-8"), "mri-denoise")}
    return sorted(
        words
        for words in found
        if words and words[0] in RUN and len(words) > 1 + (words[0] in RUN[:2])
        if not any(word.isupper() or word in ELSEWHERE for word in words) and words[1] != "--no-refine"
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """What the pages read."""
    folder = tmp_path_factory.mktemp("files")
    scan = nibabel.Nifti1Image(block((32, 32, 16)).astype(np.float32), np.eye(4))
    anatomy = "my_dataset/sub-01/anat/sub-01_T1w.nii.gz"
    folders = ("folder_of_scans", "my/scans", "my/noisy")
    for name in ("scan.nii.gz", anatomy, *(f"{one}/sub-{number}.nii.gz" for one in folders for number in (1, 2))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        scan.to_filename(folder / name)
    (folder / "my_dataset/dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    for name, number in (("dicom_series", 1), ("folder/a", 2), ("folder/b", 4), ("study/a", 1), ("study/b", 2)):
        write_series(folder / name, block((32, 32, 8)), SeriesNumber=number)
    models = REPOSITORY / "bundles/brain_mri_denoise/models"
    for name, weights in WEIGHTS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(models / weights)
    (folder / "bundles").symlink_to(REPOSITORY / "bundles")
    return folder


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=" ".join(words), marks=[pytest.mark.slow] if words[0] == "export-onnx" else [])
        for words in shown()
    ],
)
def test_a_shown_command_runs(words, files, tmp_path, monkeypatch, capfd):
    shutil.copytree(files, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(tmp_path / "here")
    before = {path for path in Path().rglob("*") if "bundles" not in path.parts}
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert not ended.value.code, capfd.readouterr().err
    written = {path for path in Path().rglob("*") if "bundles" not in path.parts} - before
    assert written or "--list-series" in words
    outputs = [Path(word) for word in words[1:] if Path(word) not in before and not word.startswith("-")]
    assert any(path in written for path in outputs) or "--list-series" in words


def test_most_shown_commands_are_run():
    assert len(shown()) > 15
