"""The questions beyond PSNR, asked of denoisers whose answers are known."""

from types import SimpleNamespace

import numpy as np
import pytest

from experiments import model_checks as promises


class Toy:
    """Returns its input times ``factor``; every map of it is ``level`` everywhere."""

    def __init__(self, *, factor: float = 1.0, level: float = promises.LEVEL) -> None:
        self.factor = factor
        self.level = level

    def wrap(self, volume):
        return volume

    def denoise_image(self, image, maps=()):
        return SimpleNamespace(
            denoised=self.factor * image, maps={name: np.full_like(image, self.level) for name in maps}
        )


@pytest.fixture
def ball() -> np.ndarray:
    """A ball of intensity 1 in air."""
    place = np.stack(np.meshgrid(*[np.linspace(-1, 1, 40)] * 3, indexing="ij"))
    return (np.square(place).sum(0) < 0.6).astype(np.float32)


def test_a_denoiser_that_dims_by_a_hundredth_does_a_harm_of_40_db_where_there_is_tissue(ball):
    expected = 40 - 10 * np.log10(ball.mean())
    assert promises.noise_free(Toy(factor=0.99), ball) == pytest.approx(expected, abs=0.01)


def test_what_denoises_nothing_leaves_the_rayleigh_mean_in_air_and_hardly_a_bias_in_tissue(ball):
    bands = promises.bias(Toy(), ball)
    assert bands[0] == pytest.approx(np.sqrt(np.pi / 2), rel=0.02)
    assert bands[-1] == pytest.approx(promises.LEVEL / 2, abs=0.03)  # sigma^2 / (2 A), in units of sigma


def test_one_number_for_a_noise_that_doubles_is_off_by_root_two_at_the_sides(ball):
    median, high, most = promises.varying_noise(Toy(), ball)
    assert median < high <= most
    assert most == pytest.approx(np.sqrt(2) - 1, abs=0.03)


def test_an_uncertainty_of_sigma_is_calibrated_for_what_denoises_nothing_and_one_of_half_is_half(ball):
    assert promises.calibration(Toy(), ball) == pytest.approx(1.0, rel=0.03)
    assert promises.calibration(Toy(level=promises.LEVEL / 2), ball) == pytest.approx(0.5, rel=0.03)
