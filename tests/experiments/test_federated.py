"""The experiment of the federated training, and what its page says about it."""

from itertools import product

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
    gain = {rival: results["federated"] - results[rival] for rival in ("own", "others")}
    groups = [results["clean_scans"], results["site"]]
    own, others = ({key: f"{value:+.1f}" for key, value in one.groupby(groups).mean().items()} for one in gain.values())
    sites = [site.name for site in federated.SITES]
    assert [own[3, site] for site in sites] == ["-0.6", "+0.4", "+0.4"]
    assert "loses 0.6 dB on average at the first site" in page and "at the other two it gains 0.4 and 0.4 dB" in page
    assert "the difference is {}, {} and {} dB".format(*(own[1, site] for site in sites)) in page
    assert "gains {}, {} and {} dB with three".format(*(others[3, site].removeprefix("+") for site in sites)) in page


def test_every_site_was_measured_at_every_level(results):
    measured = set(zip(results["clean_scans"], results["site"], results["subject"], results["level"], strict=True))
    names, subjects = [site.name for site in federated.SITES], federated.TEST_SUBJECTS
    assert measured == {*product(federated.CLEAN_SCANS, names, subjects, federated.LEVELS)}


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
