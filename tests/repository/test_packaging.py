"""What `pip install` would put on a machine: every module under its one name, the bundle, nothing else."""

import ast
import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from monai_unsup_denoise import __version__

PACKAGE = "monai_unsup_denoise"
BUNDLE = "brain_mri_denoise"


@pytest.fixture(scope="module")
def setup_cfg(repository: Path) -> configparser.ConfigParser:
    """The parsed setup.cfg."""
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg", encoding="utf-8")
    return parser


def distributions(lines: str) -> set[str]:
    """The names, as `packages_distributions` writes them, in a list of requirements."""
    return {Requirement(line).name.replace("-", "_").lower() for line in lines.split("\n") if line}


def baselines(repository: Path) -> set[str]:
    """The distributions of the environment that `make baselines` makes."""
    lines = (repository / "requirements-baselines.txt").read_text(encoding="utf-8").splitlines()
    return distributions("\n".join(line for line in lines if not line.startswith("#")))


def imports_of(folder: Path, *, without: str = "") -> set[str]:
    """The top-level names that the Python files under `folder` import, but for its sub-folder `without`."""
    names = set()
    for path in folder.rglob("*.py"):
        if without in path.relative_to(folder).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {PACKAGE}


def undeclared(imported: set[str], declared: set[str]) -> set[str]:
    """The imported names that no declared distribution provides; one may be its own, though others fill it (itk)."""
    provider = packages_distributions()
    return {
        name
        for name in imported
        if not declared & {owner.replace("-", "_").lower() for owner in [name, *provider.get(name, [])]}
    }


def test_every_package_in_the_tree_is_listed(repository, setup_cfg):
    inside = {".".join(path.parent.relative_to(repository).parts) for path in (repository / PACKAGE).rglob("*.py")}
    listed = set(setup_cfg["options"]["packages"].split())
    assert listed == inside | {f"{PACKAGE}.bundles", f"{PACKAGE}.transforms"}


def test_everything_the_package_imports_is_a_declared_dependency(repository, setup_cfg):
    declared = distributions(setup_cfg["options"]["install_requires"])
    for extra in ("train", "benchmark", "brainweb", "onnx", "dicom-node", "scale", "federated"):
        declared |= distributions(setup_cfg["options.extras_require"][extra])
    declared |= {"ants" if name == "antspyx" else name for name in baselines(repository)}
    imported = imports_of(repository / PACKAGE) | imports_of(repository / "transforms")
    assert not undeclared(imported, declared)


@pytest.mark.parametrize("room", ["functional", "networks", "losses", "io", "inference", "scan_report"])
def test_the_rooms_of_denoising_import_core_dependencies(room, repository, setup_cfg):
    declared = distributions(setup_cfg["options"]["install_requires"])
    assert not undeclared(imports_of(repository / PACKAGE / room), declared)


def test_the_package_the_bundle_and_the_apps_have_one_version(repository):
    metadata = json.loads((repository / "bundles" / BUNDLE / "configs" / "metadata.json").read_text())
    yaml = {name: (repository / name).read_text() for name in ("CITATION.cff", "apps/deploy/app.yaml")}
    found = {name: re.search(r"^ *version: *(\S+)$", text, re.MULTILINE)[1] for name, text in yaml.items()}
    assert found | {"bundle": metadata["version"]} == dict.fromkeys([*found, "bundle"], __version__)
    in_image = re.findall(r"^ARG VERSION=(.*)$", (repository / "Dockerfile").read_text(), re.MULTILINE)
    assert in_image == [__version__] * 2


def test_only_the_baselines_import_the_packages_of_others(repository):
    names = {"ants", "bm3d", "bm4d", "careamics", "cat_surf", "dipy"}
    assert not imports_of(repository / PACKAGE, without="baselines") & names


def test_extra_baselines_is_part_of_their_environment(repository, setup_cfg):
    assert distributions(setup_cfg["options.extras_require"]["baselines"]) < baselines(repository)


def test_everything_the_tests_import_comes_with_the_extra(repository, setup_cfg):
    declared = distributions(setup_cfg["options"]["install_requires"])
    for extra in ("train", "benchmark", "test"):
        declared |= distributions(setup_cfg["options.extras_require"][extra])
    assert not undeclared(imports_of(repository / "tests") - {"tests", "experiments"}, declared)


def test_the_tested_versions_meet_the_declared_bounds(repository, setup_cfg):
    tested = {}
    for line in (repository / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            tested[requirement.name] = next(iter(requirement.specifier)).version
    extras = setup_cfg["options.extras_require"]
    installed_by_make = ("train", "benchmark", "scale", "dicom-node", "federated", "test", "dev", "docs", "release")
    installed_by_make += ("workflows",)
    lines = "\n".join([setup_cfg["options"]["install_requires"], *(extras[extra] for extra in installed_by_make)])
    for line in filter(None, lines.split("\n")):
        requirement = Requirement(line)
        assert requirement.name in tested, f"{requirement.name} is missing in constraints.txt"
        assert tested[requirement.name] in requirement.specifier, line


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of a wheel built from a copy of the tree, as `pip install .` lays it out."""
    tree = tmp_path_factory.mktemp("tree")
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(repository / name, tree)
    for name in (PACKAGE, "transforms", "bundles"):
        shutil.copytree(repository / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    wheels = tmp_path_factory.mktemp("wheel")
    offline = ["--no-deps", "--no-build-isolation", "--no-index"]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", *offline, "-w", str(wheels), str(tree)]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(folder)
    return folder


def python(code: str, *, where: Path, path: Path) -> str:
    """What `code` prints, run in the folder `where` with `path` searched before what is installed."""
    environment = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.slow
def test_a_wheel_holds_every_module_under_its_one_name(repository, installed):
    inside = {path.relative_to(installed).as_posix() for path in installed.rglob("*.py")}
    package = {path.relative_to(repository).as_posix() for path in (repository / PACKAGE).rglob("*.py")}
    folder = repository / "transforms"
    transforms = {f"{PACKAGE}/transforms/{path.relative_to(folder).as_posix()}" for path in folder.rglob("*.py")}
    assert inside == package | transforms


@pytest.mark.slow
def test_a_wheel_adds_one_top_level_name(installed):
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {PACKAGE}


@pytest.mark.slow
def test_a_wheel_carries_the_bundle(repository, installed):
    bundle = repository / "bundles" / BUNDLE
    wanted = [path for part in ("configs", "docs", "models") for path in (bundle / part).rglob("*")]
    shipped = {path.relative_to(bundle) for path in [*wanted, bundle / "LICENSE"] if path.is_file()}
    folder = installed / PACKAGE / "bundles" / BUNDLE
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == shipped
    assert Path("configs/train.json") in shipped


FIND_BUNDLE = f"""
from importlib.resources import files
print(files("{PACKAGE}.bundles") / "{BUNDLE}" / "configs" / "train.json")
"""
FIND_TRANSFORMS = f"import {PACKAGE}.transforms as t; print(t.__file__)"


@pytest.mark.slow
def test_a_wheel_is_used_from_anywhere(installed, tmp_path):
    folder = installed / PACKAGE
    found = python(FIND_BUNDLE, where=tmp_path, path=installed)
    assert Path(found) == folder / "bundles" / BUNDLE / "configs" / "train.json"
    assert Path(found).is_file()
    found = python(FIND_TRANSFORMS, where=tmp_path, path=installed)
    assert Path(found) == folder / "transforms" / "__init__.py"


@pytest.mark.slow
def test_a_wheel_used_from_the_repository_root_runs_the_tree(repository, installed):
    found = python(FIND_TRANSFORMS, where=repository, path=installed)
    assert Path(found) == repository / "transforms" / "__init__.py"
    found = python(FIND_BUNDLE, where=repository, path=installed)
    assert Path(found) == repository / "bundles" / BUNDLE / "configs" / "train.json"


@pytest.mark.slow
def test_the_console_script_is_declared_and_answers(installed, tmp_path):
    scripts = configparser.ConfigParser()
    scripts.read(next(installed.glob("*.dist-info")) / "entry_points.txt", encoding="utf-8")
    assert scripts["console_scripts"]["mri-denoise"] == f"{PACKAGE}.cli:main"
    code = f"import sys; sys.argv = ['mri-denoise', '--help']; from {PACKAGE}.cli import main; main()"
    assert "denoise" in python(code, where=tmp_path, path=installed)
