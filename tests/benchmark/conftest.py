"""A small head, and the toy methods where a worker finds them."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.cases import Case, Volume, make_cases
from monai_unsup_denoise.benchmark.methods import (
    DenoisingMethod,
    Environment,
    ResolvedMethod,
    find_environments,
    resolve_method,
)
from monai_unsup_denoise.benchmark.result_cache import ResultCache
from monai_unsup_denoise.benchmark.run import run_benchmark

SHAPE = (20, 18, 14)


def head(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """A bright ball with a dark core, background 0, float32, maximum 1."""
    grid = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in grid))
    return np.where(radius < 0.4, 0.3, np.where(radius < 0.9, 1 - 0.2 * radius, 0)).astype(np.float32) / np.float32(
        (1 - 0.2 * radius[(radius >= 0.4) & (radius < 0.9)]).max()
    )


@pytest.fixture
def volume() -> Volume:
    return Volume("head", head(), 0, SHAPE[2] - 1)


@pytest.fixture
def cases(volume: Volume) -> list[Case]:
    """At 5 and 15 %."""
    return make_cases([volume], [5, 15], [0])


@pytest.fixture(autouse=True)
def toy_methods(monkeypatch: pytest.MonkeyPatch) -> str:
    """The module of toy methods, by the name under which this process and workers find it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    return "toy_methods"


@pytest.fixture(scope="session")
def environments() -> list[Environment]:
    """This one only."""
    return find_environments()[:1]


@pytest.fixture
def make(tmp_path: Path, environments: list[Environment]) -> Callable[..., ResolvedMethod]:
    """Resolve a toy method; `models` in the test's folder holds weights."""

    def make_one(target: str, name: str | None = None, **entry: object) -> ResolvedMethod:
        dotted = target if "." in target else f"toy_methods.{target}"
        method = DenoisingMethod(name=name or target.lower(), title=target, target=dotted, **entry)
        return resolve_method(method, environments=environments, model_folders=[tmp_path / "models"], configs=tmp_path)

    return make_one


@pytest.fixture
def run(tmp_path: Path, cases: list[Case]) -> Callable[..., pd.DataFrame]:
    """Run methods on the cases; warnings of damaged cells are in `run.said`."""

    def run_them(*methods, on=cases) -> pd.DataFrame:
        cells = ResultCache(tmp_path / "out" / "cells", warn=run_them.said.append)
        run_them.find_images = cells.find_images
        return run_benchmark(on, methods, cells, results=tmp_path / "out" / "results.csv")

    run_them.said = []
    return run_them


@pytest.fixture
def log(tmp_path: Path) -> SimpleNamespace:
    """A file to which toy methods write a line for each call: its `path`, and `calls()`, their number."""
    path = tmp_path / "log"
    return SimpleNamespace(path=str(path), calls=lambda: len(path.read_text().splitlines()) if path.exists() else 0)


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], str]:
    """Write a module that this process and those of methods can import; returns the dotted path of its class."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    def write(name: str, statement: str) -> str:
        (tmp_path / f"{name}.py").write_text(
            f"class Own:\n    def __call__(self, noisy, sigma):\n        {statement}\n"
        )
        return f"{name}.Own"

    return write
