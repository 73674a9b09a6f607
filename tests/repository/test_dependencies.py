"""What needs which package: denoising the core dependencies alone, the rest an extra that setup.cfg names."""

import configparser
import subprocess
import sys
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import EXTRAS, require

BLOCKED = ("ignite", "matplotlib", "mlflow", "nilearn", "pandas", "PIL", "pytorch_optimizer", "skimage")
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
    from monai_unsup_denoise.cli.lean_imports import _UNUSED, lean_imports

    assert set(BLOCKED) - {"nilearn", "pytorch_optimizer"} <= _UNUSED
    before = set(sys.modules)
    with lean_imports():
        hidden = {name for name in sys.modules if name not in before}
        assert hidden == _UNUSED - before
        for name in hidden:
            with pytest.raises(ModuleNotFoundError):
                import_module(name)
    assert set(sys.modules) == before
