"""A small head, and the toy methods where a worker finds them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from monai_unsup_denoise.benchmark.cases import Case, make_cases
from monai_unsup_denoise.benchmark.environments import Environment, find_environments
from monai_unsup_denoise.benchmark.methods import DenoisingMethod, ResolvedMethod, prepare
from monai_unsup_denoise.benchmark.volumes import Volume

SHAPE = (20, 18, 14)


def head(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """A bright ball with a dark core in air, float32, maximum 1."""
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
def interpreters() -> list[Environment]:
    """This one alone."""
    return find_environments()[:1]


@pytest.fixture
def make(tmp_path: Path, interpreters: list[Environment]) -> Callable[..., ResolvedMethod]:
    """Prepare a toy method; `models` in the test's folder holds weights."""

    def make_one(target: str, name: str | None = None, **entry: object) -> ResolvedMethod:
        dotted = target if "." in target else f"toy_methods.{target}"
        method = DenoisingMethod(name=name or target.lower(), title=target, target=dotted, **entry)
        return prepare(method, interpreters=interpreters, model_folders=[tmp_path / "models"], configs=tmp_path)

    return make_one
