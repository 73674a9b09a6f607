"""A small clean volume with background, dark and bright tissue, its noisy copies, and the baselines' environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

RUN = """
import importlib, json, sys
import numpy as np
job = json.loads(sys.argv[1])
method = getattr(importlib.import_module(job["module"]), job["name"])(**job["parameters"])
noisy = np.load(job["noisy"])
before = noisy.copy()
denoised = method(noisy, job["sigma"])
assert np.array_equal(noisy, before), "the input was changed"
np.save(job["denoised"], denoised)
"""


@pytest.fixture(scope="session")
def clean() -> np.ndarray:
    """Background, a dark block (0.15), a bright one (0.8) with a hole in it; float32, maximum 1."""
    volume = np.zeros((30, 28, 14), dtype=np.float32)
    volume[4:26, 4:24] = 0.15
    volume[8:22, 8:20] = 0.8
    volume[12:17, 11:15, 4:10] = 1.0
    return volume


@pytest.fixture(scope="session")
def make_noisy() -> Callable[[np.ndarray, float], np.ndarray]:
    """Rician noise, made with NumPy."""

    def add(volume: np.ndarray, sigma: float) -> np.ndarray:
        n1, n2 = np.random.default_rng(0).standard_normal((2, *volume.shape))
        return np.hypot(volume + sigma * n1, sigma * n2).astype(np.float32)

    return add


@lru_cache
def _interpreter_with(repository: Path, module: str) -> Path | None:
    baselines = repository / ".baselines" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if find_spec(module):
        return Path(sys.executable)
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    if baselines.is_file() and subprocess.run([baselines, "-c", look]).returncode == 0:
        return baselines
    return None


@pytest.fixture
def run_baseline(repository: Path, tmp_path: Path) -> Callable[..., np.ndarray]:
    """Run `Class` of a module of the baselines where the package it needs is installed; skip where it is nowhere."""

    def run(package: str, target: str, noisy: np.ndarray, sigma: float | None, **parameters: object) -> np.ndarray:
        interpreter = _interpreter_with(repository, package)
        if interpreter is None:
            pytest.skip(
                f"no module {package} here or in .baselines: `make baselines` (careamics: Python 3.11 or newer)"
            )
        module, _, name = target.rpartition(".")
        empty = tmp_path / "empty"
        empty.mkdir(exist_ok=True)
        np.save(tmp_path / "noisy.npy", noisy)
        job = {
            "module": f"monai_unsup_denoise.benchmark.baselines.{module}",
            "name": name,
            "parameters": parameters,
            "noisy": str(tmp_path / "noisy.npy"),
            "sigma": sigma,
            "denoised": str(tmp_path / "denoised.npy"),
        }
        done = subprocess.run(
            [interpreter, "-c", RUN, json.dumps(job)],
            cwd=empty,
            env=os.environ | {"PYTHONPATH": str(repository), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "", "a method prints nothing on stdout"
        assert not list(empty.iterdir()), "a method leaves no files behind"
        return np.load(tmp_path / "denoised.npy")

    return run
