"""The experiment of the federated training, and what its page says about it."""

import numpy as np
import pandas as pd
import pytest

from experiments import federated


@pytest.fixture(scope="module")
def results(repository):
    return pd.read_csv(repository / "docs" / "federated.csv")


def test_the_page_has_the_table(results, repository):
    assert federated.federated_table(results) in (repository / "docs" / "federated.md").read_text()


def test_the_page_says_where_it_pays(results, repository):
    gains = (results["federated"] - results["own"]).groupby(results["site"]).agg(["min", "max"])
    assert gains.index[gains["min"] > 0].tolist() == ["north", "west"]
    assert gains.index[gains["max"] < 0].tolist() == ["south"]
    assert "at two sites of three" in (repository / "docs" / "federated.md").read_text()


def test_every_site_was_measured_at_every_level(results):
    measured = set(zip(results["site"], results["level"], strict=True))
    assert measured == {(site.name, level) for site in federated.SITES for level in federated.LEVELS}


def test_no_subject_is_at_two_sites():
    subjects = [subject for site in federated.SITES for subject in (*site.noisy_subjects, *site.clean_subjects)]
    assert len(set(subjects)) == len(subjects)
    assert federated.TEST_SUBJECT not in subjects


def test_a_scan_has_the_noise_of_its_level():
    site = federated.SITES[0]
    clean = federated.clean_scan(site, 1)
    noisy = federated.with_noise(clean, site, 12.0)
    assert clean.max() == 1
    assert np.sqrt((noisy[clean == 0] ** 2).mean() / 2) == pytest.approx(0.12, rel=0.03)  # Rayleigh: 2 sigma^2
