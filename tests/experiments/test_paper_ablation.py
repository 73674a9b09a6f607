"""The ablation of the published method: the change of each variant, and the table."""

import json

import pandas as pd
import pytest
import torch
from monai.bundle import ConfigParser

from experiments.paper_ablation import CHOICES, COLUMNS, TERMS, WEIGHT, ablation_table
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.losses import PaperObjective


@pytest.mark.parametrize("name", TERMS)
def test_variant_changes_only_the_weights_of_its_name(name):
    before, after = settings_of({}), settings_of(TERMS[name])
    assert {key.removeprefix(WEIGHT) for key in TERMS[name]} == {
        term for term in PaperObjective.TERMS if before["weights"][term] != after["weights"][term]
    }
    assert set(after["weights"]) == set(PaperObjective.TERMS)


def settings_of(changes):
    """The objective of the published training."""
    parser = ConfigParser()
    parser.read_config(config_files(["train_paper.json"]))
    for key, value in changes.items():
        assert parser[key] != value, f"{key} is {value} already"
        parser[key] = value
    return json.loads(json.dumps(parser["train#objective"]))


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_a_training_that_can_be_made(name):
    parser = ConfigParser()
    parser.read_config(config_files(["train_paper.json"]))
    parser["bundle_root"] = str(bundle_folder())
    for key, value in CHOICES[name].items():
        assert parser[key] != value, f"{key} is {value} already"
        parser[key] = value
    networks = parser.get_parsed_content("networks")
    high, code = torch.rand(2, 1, 64, 64), torch.zeros(2, 8)
    assert networks["generator_low"](networks["content_encoder"](high), code).shape == high.shape
    assert networks["discriminator_low"](high)[-1].shape[:2] == (2, 1)
    assert parser.get_parsed_content("train#optimizers")


def test_every_generator_loss_is_left_out_once():
    left_out = [
        key.removeprefix(WEIGHT) for overrides in TERMS.values() for key, value in overrides.items() if not value
    ]
    assert sorted(left_out) == sorted(term for term in PaperObjective.TERMS if "discriminator" not in term)


def test_table_has_each_seed_of_each_variant():
    rows = [
        ("all terms", 1, "phantom_t1w", 5, "40", 21.04, 19.0, 0.7),
        ("all terms", 0, "phantom_t1w", 5, "40", 20.0, 19.0, 0.5),
        ("all terms", 0, "phantom_t1w", 30, "40", 10.0, 9.0, 0.25),
        ("without KL (2)", 0, "phantom_t1w", 5, "40", 18.126, 9.0, 0.1234),
        ("without KL (2)", 0, "phantom_t1w", 30, "40", 8.0, 9.0, 0.1),
    ]
    assert ablation_table(pd.DataFrame(rows, columns=COLUMNS)).splitlines() == [
        "| phantom_t1w | 5 % | 30 % |",
        "| --- | --- | --- |",
        "| all terms | 20.0, 21.0 / 0.60 | 10.0 / 0.25 |",
        "| without KL (2) | 18.1 / 0.12 | 8.0 / 0.10 |",
    ]
