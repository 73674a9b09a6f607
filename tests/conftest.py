"""What all tests share: real data where there is some, a cache of the session's own, one random start."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

# Some tests interrupt. A job that a shell runs in the background ignores that, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start
torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` where there is no CUDA device."""
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the working tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real and BrainWeb volumes; a test that asks for it is skipped where there is none."""
    folder = REPOSITORY / os.environ.get("MRI_DENOISE_DATA", "../shared/data")
    if not folder.is_dir():
        pytest.skip("needs the MRI volumes: set MRI_DENOISE_DATA to their folder")
    return folder.resolve()


@pytest.fixture(scope="session", autouse=True)
def phantom_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for phantoms that lives as long as the session; the user's own cache is left alone."""
    folder = tmp_path_factory.mktemp("phantom")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRI_DENOISE_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def random_start() -> None:
    """Start every test from the same random state, so that its outcome does not depend on the others."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
