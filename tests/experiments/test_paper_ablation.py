"""The ablation of the published method: what is varied, and its table."""

import json
from pathlib import Path

import pandas as pd
import pytest
from monai.bundle import ConfigParser

from experiments.paper_ablation import COLUMNS, VARIANTS, WEIGHT, ablation_table
from monai_unsup_denoise.losses import PaperObjective

CONFIGS = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise" / "configs"


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_changes_the_published_config_where_it_says_and_nowhere_else(name):
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / "train.json"), str(CONFIGS / "train_paper.json")])
    before = json.loads(json.dumps(parser["train#objective"]))
    for key, value in VARIANTS[name].items():
        assert parser[key] != value, f"{key} is {value} already"
        parser[key] = value
    after = parser["train#objective"]
    changed = {term for term in PaperObjective.TERMS if before["weights"][term] != after["weights"][term]}
    assert changed == {key.removeprefix(WEIGHT) for key in VARIANTS[name] if key.startswith(WEIGHT)}
    assert set(after["weights"]) == set(PaperObjective.TERMS)


def test_every_loss_of_the_generators_is_left_out_once():
    left_out = [
        key.removeprefix(WEIGHT) for overrides in VARIANTS.values() for key, value in overrides.items() if not value
    ]
    assert sorted(left_out) == sorted(term for term in PaperObjective.TERMS if "discriminator" not in term)


def test_the_table_has_a_row_for_each_variant_and_the_mean_over_seeds():
    rows = [
        ("all terms", "a", 15, 0, "all", 20.0, 19.0, 0.5),
        ("all terms", "a", 15, 1, "all", 21.0, 19.0, 0.7),
        ("all terms", "b", 15, 0, "all", 10.0, 9.0, 0.25),
        ("without KL (2)", "a", 15, 0, "all", 18.126, 9.0, 0.1234),
        ("without KL (2)", "b", 15, 0, "all", 8.0, 9.0, 0.1),
    ]
    assert ablation_table(pd.DataFrame(rows, columns=COLUMNS)).splitlines() == [
        "| 15 % | a | b |",
        "| --- | --- | --- |",
        "| all terms | 20.50 / 0.600 | 10.00 / 0.250 |",
        "| without KL (2) | 18.13 / 0.123 | 8.00 / 0.100 |",
    ]
