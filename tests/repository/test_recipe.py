"""The recipe for conda says the same as setup.cfg."""

import configparser
import re

import jinja2
import pytest
import yaml
from packaging.requirements import Requirement

from monai_unsup_denoise import __version__

#: Where conda-forge has another name.
CONDA = {"torch": "pytorch"}


@pytest.fixture(scope="module")
def recipe(repository):
    text = (repository / "recipe" / "meta.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(jinja2.Template(text).render(PYTHON="python"))


@pytest.fixture(scope="module")
def setup_cfg(repository):
    parser = configparser.ConfigParser()
    parser.read(repository / "setup.cfg", encoding="utf-8")
    return parser


def test_the_recipe_is_of_this_version(recipe):
    assert recipe["package"] == {"name": "monai-unsup-denoise", "version": __version__}


def test_the_recipe_has_the_same_dependencies(recipe, setup_cfg):
    wanted = {}
    for line in setup_cfg["options"]["install_requires"].split():
        requirement = Requirement(line)
        wanted[CONDA.get(requirement.name, requirement.name)] = set(str(requirement.specifier).split(","))
    lines = [line.partition(" ") for line in recipe["requirements"]["run"]]
    found = {name: set(bounds.split(",")) for name, _, bounds in lines}
    assert found.pop("python") == set(setup_cfg["options"]["python_requires"].split(","))
    assert found == wanted


def test_the_recipe_has_the_same_command(recipe, setup_cfg):
    assert recipe["build"]["entry_points"] == setup_cfg["options.entry_points"]["console_scripts"].strip().splitlines()


def test_the_recipe_builds_with_the_same_setuptools(recipe, repository):
    [needed] = re.findall(r'requires = \["(.+?)"\]', (repository / "pyproject.toml").read_text(encoding="utf-8"))
    assert needed.replace(">=", " >=") in recipe["requirements"]["host"]


def test_the_recipe_finds_licence_and_source(recipe, repository):
    assert (repository / recipe["about"]["license_file"]).is_file()
    assert (repository / "recipe" / recipe["source"]["path"] / "setup.cfg").is_file()
