"""A phantom at 4 mm, made once for all tests here."""

from pathlib import Path

import pytest

from monai_unsup_denoise.data import phantom_datalist


@pytest.fixture(scope="session")
def phantom_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantom")


@pytest.fixture(scope="session")
def phantoms(phantom_cache: Path) -> list[dict]:
    """Five subjects (the last skull-stripped) in three contrasts."""
    return phantom_datalist(phantom_cache, 5, spacing=4, progress=False)
