"""The methods of a benchmark: what they are called, and what of this machine they run with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monai_unsup_denoise import __version__
from monai_unsup_denoise.benchmark.environments import Environment
from monai_unsup_denoise.benchmark.source_files import code_digest
from monai_unsup_denoise.errors import InputError


@dataclass(frozen=True)
class DenoisingMethod:
    """An entry of ``benchmark.json``.

    Attributes:
        name: in results and options.
        title: in tables and figures.
        target: dotted path of a class; its instances are called with ``(noisy, sigma)``.
        parameters: of its constructor.
        given_sigma: whether it is given the true noise level.
        trained_on_pairs: whether it learned from true pairs, a reference for those that did not.
        requires: distributions that its interpreter must have.
        install: how to get what it lacks, one clause.
        weights: name of its weights in a folder of models, handed over as the parameter ``model``; or None.
        note: what a reader of the tables must know, such as the training's budget.
        cost: rough seconds per million voxels.
    """

    name: str
    title: str
    target: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    given_sigma: bool = False
    trained_on_pairs: bool = False
    requires: Sequence[str] = ()
    install: str = ""
    weights: str | None = None
    note: str = ""
    cost: float = 1


@dataclass(frozen=True)
class ResolvedMethod:
    """A method with what it runs with on this machine, or the reason why it cannot.

    Attributes:
        method: the entry.
        obstacle: why it cannot run, one clause; None if it can.
        python: its interpreter.
        parameters: of its constructor, the path of its weights included.
        versions: of what it requires.
        digest: SHA-256 of all that its results depend on besides the case.
    """

    method: DenoisingMethod
    obstacle: str | None = None
    python: Path | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    versions: str = ""
    digest: str = ""


def choose_methods(entries: Mapping[str, Mapping[str, Any]], names: Sequence[str] = ()) -> list[DenoisingMethod]:
    """The methods with these names, in the order of the entries; all if no name is given.

    Raises:
        InputError: for a name that is not among the entries.
    """
    if unknown := [name for name in names if name not in entries]:
        raise InputError(f"--method {unknown[0]}: no such method; choose from {', '.join(entries)}")
    return [DenoisingMethod(name=name, **entry) for name, entry in entries.items() if not names or name in names]


def prepare(
    method: DenoisingMethod, *, interpreters: Sequence[Environment], model_folders: Sequence[Path], configs: Path
) -> ResolvedMethod:
    """Find the interpreter and the weights of a method, the first that fits.

    Args:
        method: as chosen.
        interpreters: that may run it.
        model_folders: that may hold its weights.
        configs: folder of the inference configs, one of which its parameter ``config`` may name.
    """
    suited = [interpreter for interpreter in interpreters if not interpreter.lacks(method.requires)]
    if not suited:
        missing = min((interpreter.lacks(method.requires) for interpreter in interpreters), key=len)
        return ResolvedMethod(method, obstacle=_obstacle(f"{', '.join(missing)} not installed", method))
    parameters = dict(method.parameters)
    weights = None
    if method.weights:
        weights = next((path for path in (folder / method.weights for folder in model_folders) if path.is_file()), None)
        if weights is None:
            return ResolvedMethod(method, obstacle=_obstacle(f"{method.weights} not found", method))
        parameters["model"] = str(weights.absolute())
    laid_over = _config_files(configs, method.parameters.get("config"))
    try:
        code = code_digest(method.target, *_own_targets(laid_over))
    except InputError as error:
        return ResolvedMethod(method, obstacle=str(error))
    return ResolvedMethod(
        method,
        python=suited[0].python,
        parameters=parameters,
        versions=suited[0].describe(method.requires) or f"monai-unsup-denoise {__version__}",
        digest=_digest(
            method.target,
            dict(method.parameters),
            method.given_sigma,
            code,
            suited[0].describe(method.requires),
            _file_digest(weights),
            [_file_digest(config) for config in laid_over],
        ),
    )


def _obstacle(what: str, method: DenoisingMethod) -> str:
    return f"{what}: {method.install}" if method.install else what


def _config_files(folder: Path, name: str | None) -> list[Path]:
    """``inference.json`` and the config that is laid over it; none for a method without one."""
    return [] if name is None else sorted({folder / "inference.json", folder / name})


def _own_targets(configs: Sequence[Path]) -> list[str]:
    """What of our package these configs name: the network's code is found there alone."""
    own = __name__.partition(".")[0]
    targets = {target for config in configs for target in _targets(json.loads(config.read_text()))}
    return sorted(target for target in targets if target.startswith(f"{own}."))


def _targets(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        if "_target_" in content:
            yield content["_target_"]
        content = list(content.values())
    if isinstance(content, list):
        for item in content:
            yield from _targets(item)


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _file_digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
