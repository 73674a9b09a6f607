"""The weights of an objective name just its terms."""

import re

import pytest

from monai_unsup_denoise.losses import (
    CycleGANObjective,
    NoiseReadingObjective,
    PairedObjective,
    PaperObjective,
    PhysicsObjective,
    RegressionObjective,
)
from monai_unsup_denoise.losses.objective import check_weights

MAKE = {
    CycleGANObjective: {"adversarial": None},
    NoiseReadingObjective: {},
    PairedObjective: {"levels": (0.01, 0.3)},
    PaperObjective: {"adversarial": None, "perceptual": None},
    PhysicsObjective: {"adversarial": None},
    RegressionObjective: {},
}


def test_missing_and_unknown_terms_are_both_named():
    message = "missing ['code', 'cycle'], unknown ['cylce']; the terms are ['code', 'cycle', 'kl']"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_weights({"kl": 1.0, "cylce": 1.0}, ("kl", "cycle", "code"))


def test_just_the_terms_are_taken_and_copied():
    given = {"kl": 1.0, "cycle": 0.0}
    taken = check_weights(given, ("cycle", "kl"))
    assert taken == given and taken is not given


@pytest.mark.parametrize("objective", MAKE)
def test_every_objective_asks_for_just_its_terms(objective):
    weights = dict.fromkeys(objective.TERMS, 1.0)
    assert objective(weights, **MAKE[objective]).weights == weights
    dropped = objective.TERMS[0]
    with pytest.raises(ValueError, match=rf"missing \['{dropped}'\], unknown none"):
        objective({term: 1.0 for term in objective.TERMS if term != dropped}, **MAKE[objective])
    with pytest.raises(ValueError, match=r"missing none, unknown \['beauty'\]"):
        objective({**weights, "beauty": 1.0}, **MAKE[objective])
