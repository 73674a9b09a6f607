"""The methods of a benchmark, and the environment, weights and versions that each runs with on this machine."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError

#: Interpreter of the environment that `make baselines` installs, for packages whose pins conflict with ours. It is
#: looked for where this code is, in a checkout, and never in the current folder, where anybody's program may lie.
BASELINES_PYTHON = Path(__file__).resolve().parents[2] / ".baselines" / "bin" / "python"

_PACKAGE = __name__.partition(".")[0]
_MODEL_ROOMS = ("inference", "networks", "transforms")  # the code that a trained model of the bundle runs through
_LIST_PACKAGES = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)


@dataclass(frozen=True)
class DenoisingMethod:
    """An entry of ``benchmark.json``.

    Attributes:
        name: in results and options.
        title: in tables and figures.
        target: dotted path of a class; its instances are called with ``(noisy, sigma)``.
        parameters: of its constructor.
        given_sigma: whether it is given the true sigma; the others are blind.
        given_spectrum: whether it is given the power spectrum of the noise as third argument, where that is not white.
        trained_on_pairs: whether it was trained on true pairs: an upper bound, never marked as best.
        requires: distributions that its environment must have.
        install: how to get what is missing, one clause.
        weights: file name of its weights, passed as the parameter ``model``; or None.
        note: footnote of the tables, such as the training budget.
        cost: seconds per million voxels, roughly.
    """

    name: str
    title: str
    target: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    given_sigma: bool = False
    given_spectrum: bool = False
    trained_on_pairs: bool = False
    requires: Sequence[str] = ()
    install: str = ""
    weights: str | None = None
    note: str = ""
    cost: float = 1


@dataclass(frozen=True)
class Environment:
    """A Python interpreter and the versions of the packages installed with it, by normalised name."""

    python: Path
    versions: Mapping[str, str]

    def missing(self, distributions: Sequence[str]) -> list[str]:
        """Those of ``distributions`` that are not installed."""
        return [name for name in distributions if _normalised(name) not in self.versions]

    def describe(self, distributions: Sequence[str]) -> str:
        """``"bm4d 4.2.5; numpy 2.3.1"``."""
        return "; ".join(f"{name} {self.versions[_normalised(name)]}" for name in distributions)


@dataclass(frozen=True)
class ResolvedMethod:
    """A method with all that it needs on this machine, or the reason why it cannot run.

    Attributes:
        method: the entry.
        unavailable_reason: one clause; None if it can run.
        python: its interpreter.
        parameters: of its constructor, with the path of its weights.
        versions: of the packages it requires.
        digest: SHA-256 of everything that its results depend on, apart from the case.
    """

    method: DenoisingMethod
    unavailable_reason: str | None = None
    python: Path = Path(sys.executable)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    versions: str = ""
    digest: str = ""


def choose_methods(entries: Mapping[str, Mapping[str, Any]], names: Sequence[str] = ()) -> list[DenoisingMethod]:
    """The methods with these names, in the order of the entries; all if no name is given.

    Raises:
        InputError: for an unknown name.
    """
    if unknown := [name for name in names if name not in entries]:
        raise InputError(f"--method {unknown[0]}: no such method; choose from {', '.join(entries)}")
    return [DenoisingMethod(name=name, **entry) for name, entry in entries.items() if not names or name in names]


def find_environments(baselines: Path | None = None) -> list[Environment]:
    """This environment, and that of `make baselines` if there is one.

    Args:
        baselines: its interpreter; None for `BASELINES_PYTHON`, if it exists.

    Raises:
        InputError: if the interpreter cannot be run.
    """
    found = [_inspect(Path(sys.executable))]
    if baselines is None and not BASELINES_PYTHON.exists():
        return found
    return [*found, _inspect((baselines or BASELINES_PYTHON).absolute())]


def resolve_method(
    method: DenoisingMethod, *, environments: Sequence[Environment], model_folders: Sequence[Path], configs: Path
) -> ResolvedMethod:
    """Find the first environment and the first file of weights that fit a method.

    Args:
        method: the entry.
        environments: candidates.
        model_folders: where its weights may be.
        configs: folder of the inference configs; the parameter ``config`` names one of them.
    """

    def unavailable(what: str) -> ResolvedMethod:
        return ResolvedMethod(method, f"{what}: {method.install}" if method.install else what)

    suitable = [environment for environment in environments if not environment.missing(method.requires)]
    if not suitable:
        missing = min((environment.missing(method.requires) for environment in environments), key=len)
        return unavailable(f"{', '.join(missing)} not installed")
    found = [folder / str(method.weights) for folder in model_folders if (folder / str(method.weights)).is_file()]
    if method.weights and not found:
        return unavailable(f"{method.weights} not found")
    weights = found[:1] if method.weights else []
    if (module := _module_file(method.target.rpartition(".")[0])) is None:
        return ResolvedMethod(method, f"{method.target}: no such module; check its dotted path")
    config = method.parameters.get("config")
    files = [*weights, *(configs / name for name in (sorted({"inference.json", config}) if config else ()))]
    code = [module.parent, *map(_room, ("functional", *(_MODEL_ROOMS if config else ())))]
    versions = suitable[0].describe(method.requires) or f"monai-unsup-denoise {__version__}"
    settings = json.dumps([method.target, dict(method.parameters), method.given_sigma, __version__], sort_keys=True)
    return ResolvedMethod(
        method,
        python=suitable[0].python,
        parameters={**method.parameters, **({"model": str(weights[0].absolute())} if weights else {})},
        versions=versions,
        digest=_digest(f"{settings} {versions}", [*files, *_source_files(code)]),
    )


def _inspect(python: Path) -> Environment:
    try:
        # -I: without the current folder and PYTHONPATH, which are not part of the environment.
        listed = subprocess.run([python, "-I", "-c", _LIST_PACKAGES], capture_output=True, text=True, check=True).stdout
        versions = json.loads(listed)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise InputError(
            f"{python}: not a working Python; run `make baselines` again, or give another --baselines-python"
        ) from error
    return Environment(python, {_normalised(name): version for name, version in versions.items()})


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _module_file(name: str) -> Path | None:
    """The file of a module, found without importing it: its packages may be in another environment."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _room(name: str) -> Path:
    file = _module_file(f"{_PACKAGE}.{name}")
    assert file, f"{_PACKAGE}.{name} is part of the package"
    return file.parent


def _source_files(folders: Sequence[Path]) -> list[Path]:
    """Code and parameters of some folders, without their subfolders."""
    return [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in (".py", ".json")]


def _digest(text: str, files: Sequence[Path]) -> str:
    contents = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    return hashlib.sha256(" ".join([text, *contents]).encode()).hexdigest()
