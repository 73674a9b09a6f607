"""Small denoisers for the tests of the networks."""

from collections.abc import Callable
from functools import partial

import pytest

from monai_unsup_denoise.networks import DisentangledDenoiser, PhysicsGuidedDenoiser
from tests.small_networks import published_denoiser, small_denoiser


@pytest.fixture
def make_denoiser() -> Callable[..., DisentangledDenoiser]:
    """Makes a small denoiser of the published method, of three scales, with a noise code of length 2."""
    return partial(published_denoiser, code_channels=2, channels=(4, 6, 8))


@pytest.fixture
def make_guided() -> Callable[..., PhysicsGuidedDenoiser]:
    """Makes a small physics-guided denoiser of three scales."""
    return partial(small_denoiser, channels=(4, 6, 8))
