"""Phantoms at 4 mm, computed once for all tests here."""

from pathlib import Path

import numpy as np
import pytest
import torch

from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.data.phantom.anatomy import draw_anatomy
from monai_unsup_denoise.data.phantom.template import load_template


@pytest.fixture(scope="session")
def phantom_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantom")


@pytest.fixture(scope="session")
def phantoms(phantom_cache: Path) -> list[dict]:
    """Five subjects (the last skull-stripped) in three contrasts."""
    return phantom_datalist(phantom_cache, 5, spacing=4, progress=False)


@pytest.fixture(scope="session")
def template(phantom_cache: Path) -> tuple[np.ndarray, np.ndarray]:
    return load_template(phantom_cache, spacing=4)


@pytest.fixture(scope="session")
def fractions(template) -> torch.Tensor:
    """One subject."""
    return draw_anatomy(*template, rng=np.random.default_rng(1))
