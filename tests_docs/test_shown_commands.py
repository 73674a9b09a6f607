"""The commands on the pages run as they are shown, on small files with the names that the pages use.

These denoise, export, train on folders and evaluate. Tutorials train other methods; a cluster and the DICOM node are in
`make test-scale`. Not run as shown: `benchmark`, `trust`, and trainings with the default phantoms.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.cli import main
from tests.io.dicom.synthetic import block, write_series
from tests_docs.conftest import REPOSITORY
from tests_docs.shell_blocks import commands

PYTHON = "python -m monai.bundle run --config_file bundles/"
SHORT = ("--epochs", "1", "--iterations_per_epoch", "1", "--progress", "False")
RUN = ("denoise", "bids", "export-onnx", "export-torchscript", "export-bundle")
#: A cluster is in `make test-scale`.
ELSEWHERE = ("--dask",)
WEIGHTS = {
    "my/run/model.pt": "model.pt",
    "federated/model/model.pt": "model.pt",
    "my/paper/model.pt": "model_paper.pt",
    "run/model.pt": "model.pt",
}


def on_pages(program: str) -> set[tuple[str, ...]]:
    """Each call of a program once."""
    pages = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
    return {tuple(words) for page in pages for words in commands(page.read_text("utf-8"), program)}


def shown() -> list[tuple[str, ...]]:
    """Those with all their arguments, and no placeholder in capitals among them."""
    found = on_pages("mri-denoise")
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
    folders = ("folder_of_scans", "my/scans", "my/noisy", "my/clean", "my/clean_test")
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


def test_the_shown_command_of_monai_runs(files, tmp_path):
    [words] = [
        words for words in on_pages("python") if " ".join(("python", *words)).startswith(PYTHON) and "my/scans" in words
    ]
    shutil.copytree(files, tmp_path / "here", symlinks=True)
    done = subprocess.run([sys.executable, *words], cwd=tmp_path / "here", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "here/my/denoised").rglob("*.nii.gz"))) == 2


@pytest.mark.slow
def test_shown_trainings_on_folders_and_their_evaluation_run(files, tmp_path, monkeypatch):
    trainings = [words for words in on_pages("mri-denoise") if words[:1] == ("train",) and "my/noisy" in words]
    [evaluation] = [
        words for words in on_pages("mri-denoise") if words[:1] == ("evaluate",) and "my/clean_test" in words
    ]
    assert len(trainings) == 2
    for number, words in enumerate(sorted(trainings)):
        here = shutil.copytree(files, tmp_path / str(number), symlinks=True)
        shutil.copytree(here / "my/scans", here / "my/denoised")
        shutil.rmtree(here / "my/run")
        monkeypatch.chdir(here)
        for call in ([*words, *SHORT], evaluation):
            command = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()", *call]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        assert (here / "my/run/model.pt").is_file()


def test_most_shown_commands_are_run():
    assert len(shown()) > 15
