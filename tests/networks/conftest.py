"""A small denoiser for the tests of the networks."""

from collections.abc import Callable
from functools import partial

import pytest

from monai_unsup_denoise.networks import DisentangledDenoiser
from tests.small_networks import small_denoiser


@pytest.fixture
def make_denoiser() -> Callable[..., DisentangledDenoiser]:
    """Makes a small denoiser of three scales with a noise code of length 2."""
    return partial(small_denoiser, code_channels=2, channels=(4, 6, 8))
