"""The tutorials were run when the site was built: all of each, without an error, up to a picture."""

import re
import sys

import pytest

NAMES = ("first_scan", "noise_of_a_scan", "own_objective", "published_experiment", "train_on_your_scans")


@pytest.fixture(params=NAMES)
def cells(request, repository, site):
    """The code cells of a tutorial, with their outputs."""
    sys.path.insert(0, str(repository / "docs" / "site"))
    from gallery import executed_cells

    sys.path.pop(0)
    return executed_cells(repository / "docs/tutorials" / f"{request.param}.md")


def test_every_tutorial_is_in_the_gallery(repository):
    folder = repository / "docs/tutorials"
    gallery = (folder / "index.md").read_text(encoding="utf-8")
    assert {path.stem for path in folder.glob("*.md")} == {"index", *NAMES}
    assert set(re.findall(r"^## \[.+\]\((.+)\.md\)$", gallery, re.MULTILINE)) == set(NAMES)
    assert all((folder / name).is_file() for name in re.findall(r"\((.+\.png)\)", gallery))


def test_all_cells_ran_without_an_error(cells):
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]


def test_a_tutorial_ends_in_a_picture(cells):
    assert any("image/png" in output.get("data", {}) for output in cells[-1].outputs)


def test_no_output_names_a_folder_of_a_machine(cells, repository):
    shown = "".join(
        "".join(output.get("text", ""))
        for cell in cells
        for output in cell.outputs
        if output.get("name") != "stderr"  # which the site leaves out
    )
    assert str(repository) not in shown and "/tmp" not in shown


def test_pictures_of_tutorials_have_alternative_texts(site):
    html = "".join((site / f"docs/tutorials/{name}.html").read_text(encoding="utf-8") for name in NAMES)
    texts = re.findall(r'<img alt="([^"]*)"', html)
    assert len(texts) == html.count("<img ") == 7
    assert all(text and "/" not in text for text in texts)
