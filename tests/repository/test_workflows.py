"""GitHub's workflows and templates: what they call exists."""

import re

import pytest
import yaml


@pytest.fixture(scope="module")
def workflows(repository):
    return {path.name: yaml.safe_load(path.read_text()) for path in (repository / ".github/workflows").glob("*.yml")}


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_command_of_a_workflow_exists(repository, workflows):
    rules = "".join(path.read_text() for path in (repository / "Makefile", *(repository / "make").glob("*.mk")))
    targets = set(re.findall(r"^([a-z-]+):", rules, flags=re.MULTILINE))
    commands = [step["run"] for workflow in workflows.values() for step in steps(workflow) if "run" in step]
    assert commands
    for command in commands:
        program, word = command.split()[:2]
        assert word in targets if program == "make" else (repository / word).is_file(), command


def test_the_tests_run_on_every_supported_python(workflows, repository):
    versions = workflows["tests.yml"]["jobs"]["tests"]["strategy"]["matrix"]["python"]
    classifiers = re.findall(r"Python :: (3\.\d+)", (repository / "setup.cfg").read_text())
    assert versions == classifiers


def test_workflows_may_not_write_to_the_repository(workflows):
    assert all(workflow["permissions"] == {"contents": "read"} for workflow in workflows.values())


def test_actions_have_a_version(workflows):
    used = [step["uses"] for workflow in workflows.values() for step in steps(workflow) if "uses" in step]
    assert used and all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in used)


def test_issue_forms_ask_for_no_scan(repository):
    forms = [yaml.safe_load(path.read_text()) for path in (repository / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml")]
    assert {form["name"] for form in forms} == {"Something is wrong", "Something is missing"}
    bug = next(form for form in forms if form["name"] == "Something is wrong")
    assert "Do not attach scans" in bug["body"][0]["attributes"]["value"]
