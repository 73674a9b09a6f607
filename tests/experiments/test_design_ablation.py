"""The design ablation: the change of each variant, and the signs of the table."""

from pathlib import Path

import pandas as pd
import pytest
from monai.bundle import ConfigParser

from experiments.design_ablation import BUDGET, COLUMNS, LEVELS, REFERENCE, VARIANTS, quality_table

CONFIGS = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise" / "configs"


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != REFERENCE])
def test_variant_changes_the_training(name):
    variant = VARIANTS[name]
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / config) for config in ("train.json", *variant.configs)])
    assert variant.changes or variant.configs
    for key, value in BUDGET.items():
        parser[key] = value
    for key, value in variant.changes.items():
        holder, _, last = key.rpartition("#")
        assert isinstance(parser[holder] if holder else parser.get(), (dict, list)), f"{key} has no parent"
        assert value is not None, f"{key}: MONAI's command passes over None"
        assert parser.get(key) != value, f"{key} is {value} already"
        parser[key] = value
    objective = parser.get_parsed_content("train#objective")
    assert all(weight >= 0 for weight in objective.weights.values())


@pytest.mark.parametrize("name", [name for name in VARIANTS if "of the phantoms" in name])
def test_transforms_left_out_are_those_of_the_name(name):
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    left_out = {parser[key.removesuffix("#prob")]["_target_"] for key in VARIANTS[name].changes}
    assert left_out == {"RandGaussianSmoothd", "RandAdjustContrastd"}


@pytest.mark.parametrize("name", VARIANTS)
def test_ingredients_left_out_are_kept_in_the_training(name):
    assert not VARIANTS[name].left_out or VARIANTS[name].kept


def test_gain_of_an_ingredient_is_the_loss_without_it():
    rows = [
        (REFERENCE, "", True, False, 30.0, 34.0, 30.0, 26.0, 1.0),
        ("a kept one", "+1", True, True, 29.5, 33.0, 29.5, 26.0, 1.0),
        ("one kept since", "+0.2", True, False, 30.25, 34.25, 30.5, 26.0, 1.0),
        ("a left one", "-0.1", False, False, 29.75, 34.25, 29.5, 25.5, 1.0),
    ]
    assert len(LEVELS) == 3
    table = quality_table(pd.DataFrame(rows, columns=COLUMNS)).splitlines()
    assert table[2:] == [
        "| a kept one | +1 | +0.50 | +1.00 / +0.50 / +0.00 | yes |",
        "| one kept since | +0.2 | +0.25 | +0.25 / +0.50 / +0.00 | yes |",
        "| a left one | -0.1 | -0.25 | +0.25 / -0.50 / -0.50 | no |",
    ]
