"""The ablation of the published method: the change of each variant, and the table."""

import json

import pandas as pd
import pytest
from monai.bundle import ConfigParser

from experiments.paper_ablation import COLUMNS, VARIANTS, WEIGHT, ablation_table
from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.losses import PaperObjective


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_changes_only_the_weights_of_its_name(name):
    parser = ConfigParser()
    parser.read_config(config_files(["train_paper.json"]))
    before = json.loads(json.dumps(parser["train#objective"]))
    for key, value in VARIANTS[name].items():
        assert parser[key] != value, f"{key} is {value} already"
        parser[key] = value
    after = parser["train#objective"]
    changed = {term for term in PaperObjective.TERMS if before["weights"][term] != after["weights"][term]}
    assert changed == {key.removeprefix(WEIGHT) for key in VARIANTS[name] if key.startswith(WEIGHT)}
    assert set(after["weights"]) == set(PaperObjective.TERMS)


def test_every_generator_loss_is_left_out_once():
    left_out = [
        key.removeprefix(WEIGHT) for overrides in VARIANTS.values() for key, value in overrides.items() if not value
    ]
    assert sorted(left_out) == sorted(term for term in PaperObjective.TERMS if "discriminator" not in term)


def test_table_has_the_mean_over_seeds_of_each_variant():
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
