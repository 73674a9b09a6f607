"""`mri-denoise export-bundle` and `export-onnx`: what they refuse, what they leave behind."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch


def test_the_bundle_is_exported_with_the_weights_given(mri_denoise, smoothing: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "bundle.zip"
    outcome = mri_denoise("export-bundle", output, "--model", smoothing, "--no-torchscript")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith(f"{output} (")
    with zipfile.ZipFile(output) as archive, archive.open("brain_mri_denoise/models/model.pt") as file:
        state = torch.load(file)
    assert torch.equal(state["generator.head.weight"], torch.load(smoothing)["generator.head.weight"])
    assert [path.name for path in output.parent.iterdir()] == ["bundle.zip"]


@pytest.mark.parametrize(
    ("command", "name", "other"),
    [
        ("export-bundle", "bundle.zip", "bundle.zip"),
        ("export-onnx", "model.onnx", "model.onnx"),
        ("export-onnx", "model.onnx", "model_noise.onnx"),
    ],
)
def test_a_file_that_exists_is_left_alone(mri_denoise, tmp_path: Path, command: str, name: str, other: str) -> None:
    (tmp_path / other).write_text("mine")
    outcome = mri_denoise(command, tmp_path / name)
    assert outcome.code == 1
    assert outcome.err == f"error: {tmp_path / other}: exists already; add --overwrite or give another output\n"
    assert (tmp_path / other).read_text() == "mine"


def test_with_overwrite_it_is_replaced(mri_denoise, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_text("mine")
    assert mri_denoise("export-bundle", tmp_path / "bundle.zip", "--no-torchscript", "--overwrite").code == 0
    assert zipfile.is_zipfile(tmp_path / "bundle.zip")


@pytest.mark.parametrize(("command", "ending"), [("export-bundle", ".zip"), ("export-onnx", ".onnx")])
def test_the_name_says_what_is_written(mri_denoise, tmp_path: Path, command: str, ending: str) -> None:
    outcome = mri_denoise(command, tmp_path / "model.tar")
    assert outcome.code == 1
    assert outcome.err.endswith(f"end the name in {ending}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("command", "name"), [("export-bundle", "bundle.zip"), ("export-onnx", "model.onnx")])
def test_weights_that_do_not_fit_leave_nothing_behind(mri_denoise, tmp_path: Path, command: str, name: str) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pt")
    outcome = mri_denoise(command, tmp_path / name, "--model", tmp_path / "other.pt")
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {tmp_path / 'other.pt'}: weights of another network")
    assert [path.name for path in tmp_path.iterdir()] == ["other.pt"]


def test_without_the_packages_for_onnx_they_are_named(mri_denoise, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    outcome = mri_denoise("export-onnx", tmp_path / "model.onnx")
    assert outcome.code == 1
    assert outcome.err == "error: onnxscript: not installed; pip install 'monai-unsup-denoise[onnx]'\n"


@pytest.mark.slow
def test_the_network_is_exported_with_the_weights_given(mri_denoise, identity: Path, tmp_path: Path) -> None:
    outcome = mri_denoise("export-onnx", tmp_path / "model.onnx", "--model", identity)
    assert outcome.code == 0, outcome.err
    assert outcome.out.count(" MB)\n") == 2
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    image = np.random.default_rng(0).random((1, 1, 18, 21, 5), dtype=np.float32)
    np.testing.assert_allclose(session.run(["pred"], {"image": image})[0], image, rtol=1e-5)
    assert (tmp_path / "model_noise.onnx").is_file()
