"""The checks of a model, applied to denoisers with known answers."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments import model_checks


class Toy:
    """Returns its input times ``factor``; all its maps are ``level`` everywhere."""

    def __init__(self, *, factor: float = 1.0, level: float = model_checks.LEVEL) -> None:
        self.factor = factor
        self.level = level

    def wrap(self, volume):
        return volume

    def denoise_image(self, image, settings=None):
        maps = {name: np.full_like(image, self.level) for name in (settings.maps if settings else ())}
        return SimpleNamespace(denoised=self.factor * image, maps=maps)


@pytest.fixture
def ball() -> np.ndarray:
    """A ball of intensity 1 on background 0."""
    place = np.stack(np.meshgrid(*[np.linspace(-1, 1, 40)] * 3, indexing="ij"))
    return (np.square(place).sum(0) < 0.6).astype(np.float32)


def test_dimming_by_1_percent_leaves_40_db_in_tissue(ball):
    expected = 40 - 10 * np.log10(ball.mean())
    assert model_checks.noise_free_psnr(Toy(factor=0.99), ball) == pytest.approx(expected, abs=0.01)


def test_identity_keeps_the_rician_bias(ball):
    bands = model_checks.bias(Toy(), ball)
    assert bands[0] == pytest.approx(np.sqrt(np.pi / 2), rel=0.02)
    assert bands[-1] == pytest.approx(model_checks.LEVEL / 2, abs=0.03)  # sigma^2 / (2 A), in units of sigma


def test_constant_map_errs_by_root_two_if_sigma_doubles(ball):
    median, high, most = model_checks.sigma_map_error(Toy(), ball)
    assert median < high <= most
    assert most == pytest.approx(np.sqrt(2) - 1, abs=0.03)


def test_uncertainty_of_sigma_is_calibrated_for_the_identity(ball):
    assert model_checks.calibration(Toy(), ball) == pytest.approx(1.0, rel=0.03)
    assert model_checks.calibration(Toy(level=model_checks.LEVEL / 2), ball) == pytest.approx(0.5, rel=0.03)
