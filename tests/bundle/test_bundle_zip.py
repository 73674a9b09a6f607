"""The exported bundle works with nothing but the packages of its metadata."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from importlib.metadata import distribution
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from packaging.requirements import Requirement

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.export.bundle_zip import write_bundle_zip
from monai_unsup_denoise.inference.calibration import CALIBRATION_FILES
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.weights import weights_sha256

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"
TINY = Path(__file__).with_name("tiny_training.json")


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zip") / "bundle.zip"
    write_bundle_zip(path, BUNDLE)
    return path


@pytest.fixture
def unpacked(zipped: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "brain_mri_denoise"


def with_requirements(names: Sequence[str]) -> set[str]:
    """These distributions and their requirements."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name.lower() in found:
            continue
        found.add(name.lower())
        requirements = [Requirement(line) for line in distribution(name).requires or []]
        waiting += [r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]
    return found


@pytest.fixture(scope="module")
def bare_python(zipped: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess]:
    """Run this interpreter with nothing but the packages of the bundle's metadata and their requirements."""
    with zipfile.ZipFile(zipped) as archive:
        metadata = json.loads(archive.read("brain_mri_denoise/configs/metadata.json"))
    packages = tmp_path_factory.mktemp("packages")
    for name in with_requirements(["monai", "torch", "numpy", *metadata["required_packages_version"]]):
        for file in distribution(name).files or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not os.path.lexists(packages / top):
                (packages / top).symlink_to(Path(str(distribution(name).locate_file(top))))

    def run(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(packages), "MLFLOW_DISABLE_TELEMETRY": "true"}
        command = [sys.executable, "-S", *arguments]  # -S: no site-packages, so no package of ours either
        return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=300)

    return run


def test_package_is_imported_from_the_unpacked_bundle(bare_python, unpacked: Path) -> None:
    code = "import monai_unsup_denoise; print(monai_unsup_denoise.__file__)"
    inside = bare_python("-c", code, where=unpacked)
    assert Path(inside.stdout.strip()) == unpacked / "monai_unsup_denoise" / "__init__.py", inside.stderr
    outside = bare_python("-c", code, where=unpacked.parent)
    assert "No module named 'monai_unsup_denoise'" in outside.stderr


@pytest.mark.slow
def test_unpacked_bundle_equals_the_package(bare_python, unpacked: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    clean = np.zeros((40, 34, 9))
    clean[6:-6, 5:-5] = 600
    clean[12:-12, 12:-12] = 900
    noise = 60 * generator.standard_normal((2, *clean.shape))
    (tmp_path / "scans").mkdir()
    scan = tmp_path / "scans" / "scan.nii.gz"
    noisy = nibabel.Nifti1Image(np.hypot(clean + noise[0], noise[1]).astype(np.float32), np.diag([1.0, 1, 3, 1]))
    nibabel.save(noisy, scan)
    ran = bare_python(
        *("-m", "monai.bundle", "run", "--config_file", "configs/inference.json"),
        *("--dataset_dir", str(scan.parent), "--output_dir", str(tmp_path / "denoised")),
        where=unpacked,
    )
    assert ran.returncode == 0, ran.stderr
    written = nibabel.load(tmp_path / "denoised" / "scan_denoised.nii.gz")
    expected = Denoiser.from_bundle(BUNDLE, device="cpu").denoise(scan).denoised
    assert np.abs(written.get_fdata() - expected).max() < 1e-4 * np.ptp(expected)
    np.testing.assert_array_equal(written.affine, noisy.affine)


@pytest.mark.slow
def test_unpacked_bundle_trains(bare_python, unpacked: Path) -> None:
    before = weights_sha256(unpacked / "models" / "model.pt")
    ran = bare_python(
        *("-m", "monai.bundle", "run", "training", "--max_epochs", "1"),
        *("--config_file", f"['configs/train.json','{TINY}']"),
        where=unpacked,
    )
    assert ran.returncode == 0, ran.stderr
    assert weights_sha256(unpacked / "models" / "model.pt") != before
    assert list((unpacked / "output" / "checkpoints").rglob("*.pt"))
    assert " lacks: " not in ran.stderr
    assert not (unpacked / "mlflow.db").exists()


def test_zip_has_one_top_folder(zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert {name.split("/")[0] for name in names} == {"brain_mri_denoise"}
    assert {name.split("/")[1] for name in names} == {
        *("LICENSE", "configs", "docs", "models"),
        "monai_unsup_denoise",
    }


def test_zip_holds_every_module_of_a_wheel(zipped: Path) -> None:
    inside = {path.relative_to(ROOT) for path in (ROOT / "monai_unsup_denoise").rglob("*.py")}
    inside |= {Path("monai_unsup_denoise") / path.relative_to(ROOT) for path in (ROOT / "transforms").rglob("*.py")}
    with zipfile.ZipFile(zipped) as archive:
        names = {Path(name).relative_to("brain_mri_denoise") for name in archive.namelist() if name.endswith(".py")}
    assert names == inside


def test_configs_differ_only_in_the_bundle_root(unpacked: Path) -> None:
    for file in (BUNDLE / "configs").glob("*.json"):
        ours, exported = (json.loads(path.read_text()) for path in (file, unpacked / "configs" / file.name))
        assert exported == ({**ours, "bundle_root": "."} if "bundle_root" in ours else ours)


def test_same_bundle_gives_the_same_zip(zipped: Path, tmp_path: Path) -> None:
    write_bundle_zip(tmp_path / "again.zip", BUNDLE)
    assert (tmp_path / "again.zip").read_bytes() == zipped.read_bytes()


@pytest.mark.slow
def test_other_weights_replace_model_and_torchscript(tmp_path: Path) -> None:
    state = torch.load(BUNDLE / "models" / "model.pt")
    state["generator.head.bias"] = state["generator.head.bias"] + 0.1
    torch.save({"model": state}, tmp_path / "other.pt")
    write_bundle_zip(tmp_path / "bundle.zip", BUNDLE, model=tmp_path / "other.pt")
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        archive.extractall(tmp_path)
    models = tmp_path / "brain_mri_denoise" / "models"
    found = torch.load(models / "model.pt")
    assert all(torch.equal(found[name], weight) for name, weight in state.items())
    scripted = torch.jit.load(models / "model.ts")
    assert torch.equal(scripted.state_dict()["generator.head.bias"], state["generator.head.bias"])
    with zipfile.ZipFile(models / "model.ts") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert not any(str(folder).encode() in content for folder in (ROOT, tmp_path, Path.home()))


def test_torchscript_can_be_left_out(tmp_path: Path) -> None:
    write_bundle_zip(tmp_path / "bundle.zip", BUNDLE, torchscript=False)
    with zipfile.ZipFile(tmp_path / "bundle.zip") as archive:
        models = {Path(name).name for name in archive.namelist() if "/models/" in name}
    published = {f"model_{name}.pt" for name in ("paper", "paper_plus", "paper_small", "cyclegan")}
    assert models == {"model.pt", "tissue_classifier.pt", *CALIBRATION_FILES, *published}


def test_weights_of_another_network_leave_no_zip(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"other.pt: weights of another network"):
        write_bundle_zip(tmp_path / "bundle.zip", BUNDLE, model=tmp_path / "other.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["other.pt"]
