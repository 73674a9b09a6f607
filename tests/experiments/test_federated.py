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
    page = " ".join((repository / "docs" / "federated.md").read_text().split())
    gains = [(results["federated"] - results[rival]).groupby(results["site"]).mean() for rival in ("own", "others")]
    own, others = ([f"{gain:.1f}" for gain in one[["north", "south", "west"]]] for one in gains)
    assert own == ["-0.9", "-1.5", "0.1"] and others == ["0.8", "0.7", "0.2"]
    assert "loses 0.9 dB on average at the first site and 1.5 dB at the second" in page
    assert "at the third it gains 0.1 dB" in page and "by 0.8, 0.7 and 0.2 dB on average" in page


def test_every_site_was_measured_at_every_level(results):
    measured = set(zip(results["site"], results["subject"], results["level"], strict=True))
    subjects, levels = federated.TEST_SUBJECTS, federated.LEVELS
    assert measured == {(site.name, one, level) for site in federated.SITES for one in subjects for level in levels}


def test_no_subject_is_at_two_sites():
    subjects = [subject for site in federated.SITES for subject in (*site.noisy_subjects, *site.clean_subjects)]
    assert len(set(subjects)) == len(subjects)
    assert not {*federated.TEST_SUBJECTS} & {*subjects}


def test_a_scan_has_the_noise_of_its_level():
    site = federated.SITES[0]
    clean = federated.clean_scan(site, 1)
    noisy = federated.with_noise(clean, site, 12.0)
    assert clean.max() == 1
    assert np.sqrt((noisy[clean == 0] ** 2).mean() / 2) == pytest.approx(0.12, rel=0.03)  # Rayleigh: 2 sigma^2
