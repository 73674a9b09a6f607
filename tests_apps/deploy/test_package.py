"""The MONAI Application Package: the content for Docker, made by the real packager, and run."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from holoscan_cli.packager.config_reader import ApplicationConfiguration
from packaging.requirements import Requirement

from monai_unsup_denoise import __version__
from monai_unsup_denoise.inference.calibration import CALIBRATION_FILES
from tests_apps.deploy.conftest import APP, REPOSITORY, run_app, run_process

BUNDLE = "brain_mri_denoise"
FRAMEWORK = {"monai-deploy-app-sdk", "holoscan-cu13", "holoscan-cli", "highdicom"}

# In place of Docker: has the builder that is asked for, and keeps the context that it is given.
DOCKER = """#!/bin/sh
case "$*" in
"buildx ls"*) echo '{"Name": "holoscan_app_builder", "Driver": "docker-container", "Nodes": []}' ;;
"buildx inspect"*) printf 'Name: holoscan_app_builder\\nDriver: docker-container\\n' ;;
"image inspect"*) echo '[{"Id": "sha256:0"}]' ;;
"buildx build"*) for context; do :; done; cp -r "$context" "$KEPT_CONTEXT" ;;
esac
"""
# In place of a list on the internet: the base images.
ARTIFACTS = {
    version("holoscan-cli"): {
        "holoscan": {
            "debian-version": "",
            "wheel-version": version("holoscan-cli"),
            "base-images": {"dgpu": "cuda"},
            "build-images": {"dgpu": {}, "igpu": {}, "cpu": {}},
        }
    }
}


def requirements(lines: str) -> dict[str, Requirement]:
    """By name."""
    read = [Requirement(line) for line in lines.splitlines() if line and not line.startswith("#")]
    return {requirement.name: requirement for requirement in read}


def test_requirements_equal_those_of_the_package():
    setup_cfg = configparser.ConfigParser()
    setup_cfg.read(REPOSITORY / "setup.cfg", encoding="utf-8")
    listed = requirements((APP / "requirements.txt").read_text(encoding="utf-8"))
    core = requirements(setup_cfg["options"]["install_requires"])
    assert set(listed) == set(core) | FRAMEWORK
    for name, needed in core.items():
        assert listed[name] == needed or version(name) in needed.specifier, name
    assert [name for name in listed if version(name) not in listed[name].specifier] == []


def test_packager_accepts_the_configuration():
    read = ApplicationConfiguration()
    read.read(APP / "app.yaml")
    assert read.title()
    assert f"version: {__version__}\n" in (APP / "app.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``make deploy-package`` gives to Docker."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    folder = tmp_path_factory.mktemp("package")
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    (folder / "artifacts.json").write_text(json.dumps(ARTIFACTS), encoding="utf-8")
    outcome = run_process(
        *("make", "deploy-package", f"MAP={folder / 'map'}", f"ARGS=--source {folder / 'artifacts.json'}"),
        PATH=f"{docker.parent}:{os.environ['PATH']}",
        KEPT_CONTEXT=str(folder / "context"),
    )
    assert outcome.code == 0, outcome.log
    assert "Succeeded" in outcome.log
    return folder / "context"


def test_docker_context_has_every_copied_file(context):
    recipe = (context / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1] for line in recipe if line.startswith("COPY ./")]
    assert {"./app", "./models", "./pip/requirements.txt", "./app.config"} <= set(copied)
    assert [name for name in copied if not (context / name).exists()] == []
    assert (context / "pip" / "requirements.txt").read_text() == (APP / "requirements.txt").read_text()
    command = json.loads(json.loads((context / "map" / "app.json").read_text())["command"])
    assert command == ["python3", "/opt/holoscan/app/app.py"]


def test_package_holds_the_model_and_no_training_output(context):
    held = {path.relative_to(context / "models" / BUNDLE).as_posix() for path in (context / "models").rglob("*.*")}
    calibration = {f"models/{name}" for name in CALIBRATION_FILES}
    assert "configs/inference.json" in held
    assert {name.split("/")[0] for name in held} == {"configs", "models"}
    assert {name for name in held if name.startswith("models/")} == {"models/model.pt", *calibration}


def test_package_runs_with_its_own_modules_and_model(context, study, tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(context / 'app')!r}); import monai_unsup_denoise as m; print(m.__file__)"
    )
    module = Path(run_process(sys.executable, "-c", code, cwd=tmp_path).log.splitlines()[-1])
    assert module.parent.parent == context / "app"
    (tmp_path / "out").mkdir()
    outcome = run_app(
        app=context / "app",
        cwd=tmp_path,
        HOLOSCAN_INPUT_PATH=str(study),
        HOLOSCAN_OUTPUT_PATH="out",
        HOLOSCAN_MODEL_PATH=str(context / "models"),
    )
    assert outcome.code == 0, outcome.log
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["series-3", "series-7"]
