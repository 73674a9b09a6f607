"""The settings file: what it says, and what is said about its mistakes."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from monai_unsup_denoise.dicom_node.settings import read_settings
from monai_unsup_denoise.errors import InputError

PACS = {"name": "pacs", "ae_title": "PACS", "host": "127.0.0.1", "port": 104}
GOOD = {"ae_title": "DENOISE", "spool": "spool", "callers": ["SCANNER"], "destinations": [PACS]}


@pytest.fixture
def write(tmp_path: Path):
    def write(**changes):
        (tmp_path / "node.json").write_text(json.dumps(GOOD | changes))
        return tmp_path / "node.json"

    return write


def test_paths_start_from_the_folder_of_the_file(write, tmp_path):
    pacs = PACS | {"tls": {"ca": "ca.pem"}}
    settings = read_settings(write(destinations=[pacs]))
    assert settings.spool == tmp_path / "spool"
    assert settings.destinations[0].tls.ca == tmp_path / "ca.pem"


def test_the_node_is_at_the_loopback_interface_by_default(write):
    assert read_settings(write()).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quiet_second": 3}, "quiet_second: no such setting; did you mean quiet_seconds?"),
        ({"callers": []}, "callers: is empty"),
        ({"callers": "SCANNER"}, "callers: is not a list"),
        ({"callers": ["a title that is too long"]}, "is no AE title"),
        ({"destinations": []}, "destinations: is empty"),
        ({"destinations": [PACS, PACS]}, "two are named 'pacs'"),
        ({"destinations": [PACS | {"name": "../up"}]}, "use letters, digits"),
        ({"destinations": [{"name": "pacs"}]}, "destinations: ae_title: is missing"),
        ({"destinations": [PACS | {"originals": "yes"}]}, "neither true nor false"),
        ({"port": 70000}, "port: 70000 is no port"),
        ({"jobs": 1.5}, "jobs: 1.5 is no whole number"),
        ({"max_series": 0}, "max_series: 0 is too small"),
        ({"quiet_seconds": float("nan")}, "quiet_seconds: nan is no number"),
        ({"tls": {"ca": "ca.pem"}}, "tls: needs certificate and key"),
        ({"spool": ""}, "spool: '' is no text"),
    ],
)
def test_a_mistake_is_named_in_one_line(changes, words, write):
    with pytest.raises(InputError) as error:
        read_settings(write(**changes))
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_missing_or_broken_file_is_named(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    for name, words in (("none.json", "cannot be read"), ("broken.json", "is not JSON")):
        with pytest.raises(InputError, match=f"{name}: {words}"):
            read_settings(tmp_path / name)


def test_the_page_has_an_example_and_every_setting(repository, tmp_path):
    page = (repository / "docs" / "dicom_node.md").read_text(encoding="utf-8")
    (tmp_path / "node.json").write_text(page.split("```json\n")[1].split("```")[0])
    settings = read_settings(tmp_path / "node.json")
    assert settings.destinations[0].originals
    for field in fields(settings):
        row = next(line for line in page.splitlines() if f"`{field.name}`" in line.split("|")[:2][-1])
        if isinstance(field.default, int | float | str):
            assert f"{field.default}" in row
