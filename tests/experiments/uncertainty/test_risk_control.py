"""Risk control: the bound holds as often as it promises, and the factor it gives covers new volumes."""

import numpy as np
import pytest
from scipy.stats import norm

from experiments.uncertainty.risk_control import controlled_factor, mean_bound

DOUBT = 0.1


@pytest.mark.parametrize("expected", [0.05, 0.32])
@pytest.mark.parametrize("spread", [0.02, None])
def test_bound_holds_in_nine_of_ten_samples(expected, spread):
    """Losses of little spread, as those of volumes are, and of the most that there is (0 or 1)."""
    rng = np.random.default_rng(0)
    bounds = []
    for _ in range(400):
        if spread is None:
            losses = (rng.random(100) < expected).astype(float)
        else:
            losses = np.clip(rng.normal(expected, spread, 100), 0, 1)
        bounds.append(mean_bound(losses, doubt=DOUBT))
    assert np.mean(np.asarray(bounds) < expected) <= DOUBT + 3 * np.sqrt(DOUBT * (1 - DOUBT) / 400)
    assert np.mean(bounds) - expected < (0.03 if spread else 0.14)


def test_bound_tightens_with_volumes_and_doubt():
    losses = np.random.default_rng(1).uniform(0, 0.1, 400)
    few, many, sure = (
        mean_bound(losses[:number], doubt=doubt) for number, doubt in ((50, 0.1), (400, 0.1), (400, 0.01))
    )
    assert losses.mean() < many < few and many < sure


def test_bound_of_one_volume_is_no_bound():
    assert mean_bound(np.zeros(1), doubt=DOUBT) == 1.0


@pytest.mark.parametrize("coverage", [0.68, 0.95])
def test_factor_covers_new_volumes_as_promised(coverage):
    """Errors are normal, intervals are 1 wide, and volumes differ by 5 %: the factor is known."""
    rng = np.random.default_rng(2)
    scales = 1 + 0.05 * rng.standard_normal(150)

    def losses_at(factor):
        return 2 * norm.sf(factor / scales)

    factor = controlled_factor(losses_at, most=1 - coverage, doubt=DOUBT)
    new = 1 + 0.05 * rng.standard_normal(10_000)
    outside = float(np.mean(2 * norm.sf(factor / new)))
    assert 1 - coverage - 0.02 < outside <= 1 - coverage


def test_factor_that_is_not_enough_is_refused():
    with pytest.raises(ValueError, match="10 times as wide are too narrow"):
        controlled_factor(lambda factor: np.full(50, 0.5), most=0.05, doubt=DOUBT)
    with pytest.raises(ValueError, match="too few volumes"):
        controlled_factor(lambda factor: np.zeros(10), most=0.05, doubt=DOUBT)
