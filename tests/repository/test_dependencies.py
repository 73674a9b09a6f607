"""What needs which package: denoising the core dependencies alone, the rest an extra that setup.cfg names."""

import configparser
import json
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import EXTRAS, require

BLOCKED = ("ignite", "matplotlib", "mlflow", "nilearn", "pandas", "PIL", "pytorch_optimizer", "skimage")
#: Versions of our direct dependencies without a published advisory, and one that they exclude (as of September 2026).
SAFE = {
    "filelock": (">=3.20.3", "CVE-2026-22701"),
    "jinja2": (">=3.1.6", "CVE-2025-27516"),
    "mlflow": (">=3.16", "CVE-2026-71211"),
    "monai": (">=1.6.0", "GHSA-89gg-p5r5-q6r4"),
    "numpy": (">=1.22", "CVE-2021-34141"),
    "onnx": (">=1.21", "CVE-2026-27489"),
    "pillow": (">=12.3", "PYSEC-2026-2253"),
    "pydicom": (">=2.4.5,!=3.0.0,!=3.0.1", "CVE-2026-32711"),
    "pytest": (">=9.0.3", "CVE-2025-71176"),
    "scipy": (">=1.10", "CVE-2023-25399"),
    "setuptools": (">=78.1.1", "CVE-2025-47273"),
    "torch": (">=2.13", "CVE-2025-3000"),
    "tqdm": (">=4.66.3", "CVE-2024-34062"),
}
WITHOUT_THEM = f"""
import sys
from importlib import import_module
class Absent:
    def find_spec(name, path=None, target=None):
        if name in {BLOCKED}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent)
import monai_unsup_denoise.inference, monai_unsup_denoise.io.outputs, monai_unsup_denoise.io.bids.derivative
monai_unsup_denoise.inference.Denoiser.from_bundle()
print(sorted(set({BLOCKED}) & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def extras(repository: Path) -> dict[str, set[str]]:
    """The distributions of each extra, as `packages_distributions` writes them."""
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg", encoding="utf-8")
    return {
        extra: {Requirement(line).name.replace("-", "_").lower() for line in lines.split("\n") if line}
        for extra, lines in parser["options.extras_require"].items()
    }


def test_denoising_imports_no_optional_package(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT_THEM], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_modules_of_an_extra_are_those_it_installs(extra, extras):
    provider = packages_distributions()
    owners = {name: {owner.replace("-", "_").lower() for owner in provider[name]} for name in EXTRAS[extra]}
    assert extras[extra] == {owner for found in owners.values() for owner in found & extras[extra]}
    assert all(found & extras[extra] for found in owners.values())


def test_a_missing_package_is_named_with_its_extra():
    require("json", extra="train")
    with pytest.raises(
        InputError, match=r"^no_such, nor_this: not installed; pip install 'monai-unsup-denoise\[train\]'$"
    ):
        require("no_such", "json", "nor_this", extra="train")


def test_the_command_hides_only_optional_packages():
    from monai_unsup_denoise.lean_imports import _UNUSED, lean_imports

    assert set(BLOCKED) - {"nilearn", "pytorch_optimizer"} <= _UNUSED
    before = set(sys.modules)
    with lean_imports():
        hidden = {name for name in sys.modules if name not in before}
        assert hidden == _UNUSED - before
        for name in hidden:
            with pytest.raises(ModuleNotFoundError):
                import_module(name)
    assert set(sys.modules) == before


def requirements(repository: Path) -> list[tuple[str, Requirement]]:
    """Every requirement of the repository, with the file that has it."""
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg", encoding="utf-8")
    lines = parser["options"]["install_requires"].split("\n")
    lines += [line for extra in parser["options.extras_require"].values() for line in extra.split("\n")]
    found = [("setup.cfg", line) for line in lines]
    build = re.search(r'^requires = \["(.*)"\]$', (repository / "pyproject.toml").read_text(), re.MULTILINE)
    found.append(("pyproject.toml", build[1]))
    for path in (repository / "constraints.txt", *(repository / "apps").glob("*/*.txt")):
        found += [(path.name, line) for line in path.read_text(encoding="utf-8").splitlines()]
    metadata = json.loads((repository / "bundles/brain_mri_denoise/configs/metadata.json").read_text())
    versions = {name: metadata[f"{key}_version"] for name, key in (("torch", "pytorch"), ("monai", "monai"))}
    versions |= {"numpy": metadata["numpy_version"]} | metadata["required_packages_version"]
    found += [("metadata.json", f"{name}=={version}") for name, version in versions.items()]
    return [(file, Requirement(line)) for file, line in found if line and not line.startswith("#")]


def vulnerable(requirement: Requirement) -> list[str]:
    """The lowest version that it allows, and those that have to be excluded, where they have an advisory."""
    name = requirement.name.lower().replace("_", "-")
    if name not in SAFE:
        return []
    safe = SpecifierSet(SAFE[name][0])
    lowest = [one.version for one in requirement.specifier if one.operator in (">=", "==", "~=")]
    excluded = [one.version for one in safe if one.operator == "!="]
    return [one for one in lowest or ["0"] if one not in safe] + [
        one for one in excluded if one in requirement.specifier
    ]


def test_no_requirement_allows_a_version_with_an_advisory(repository):
    found = requirements(repository)
    assert {"setup.cfg", "pyproject.toml", "constraints.txt", "requirements.txt", "metadata.json"} <= {
        file for file, _ in found
    }
    assert SAFE.keys() <= {one.name.lower() for _, one in found}
    assert [(file, str(one), *vulnerable(one)) for file, one in found if vulnerable(one)] == []


def test_versions_with_an_advisory_are_recognised():
    for line in ("pillow>=10.1", "torch>=2.8", "tqdm", "pydicom>=2.4.5", "pydicom==3.0.1", "onnx~=1.17"):
        assert vulnerable(Requirement(line))
    for line in ("pillow>=13", "pydicom==3.0.2", "pydicom>=3.0.2", "nibabel>=5"):
        assert not vulnerable(Requirement(line))
