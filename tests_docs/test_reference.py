"""The reference has every public name, described by its docstring."""

import inspect
import re
from importlib import import_module

import pytest

from tests_docs.pages import is_external

PACKAGES = {
    **{name: f"monai_unsup_denoise.{name}" for name in ("inference", "transforms", "functional", "networks", "losses")},
    **{name: f"monai_unsup_denoise.{name}" for name in ("training", "data", "tracking", "dicom_node", "scan_report")},
    "dicom": "monai_unsup_denoise.io.dicom",
    "benchmark_report": "monai_unsup_denoise.benchmark.report",
}


def names_of(package):
    """Names in the package's namespace that its own modules define."""
    module = import_module(package)
    listed = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and str(getattr(value, "__module__", package)).startswith(package)
    ]
    return {f"{package}.{name}" for name in listed}


@pytest.mark.parametrize("page", PACKAGES)
def test_page_has_every_public_name(pages, site, page):
    expected = names_of(PACKAGES[page])
    assert expected
    assert not expected - pages[site / "docs" / "site" / "api" / f"{page}.html"].ids


def test_every_package_with_names_has_a_page(repository):
    written = re.findall(
        r"\{public-names\} (\S+)", "".join(p.read_text() for p in (repository / "docs/site/api").glob("*"))
    )
    packages = [path.parent for path in (repository / "monai_unsup_denoise").rglob("__init__.py")]
    names = {".".join(path.relative_to(repository).parts) for path in packages} | {"monai_unsup_denoise.transforms"}
    without = {"monai_unsup_denoise", "monai_unsup_denoise.cli", "monai_unsup_denoise.data.phantom"}
    assert set(written) == {name for name in names - without if names_of(name)}


def test_docstrings_are_on_the_page(site):
    text = (site / "docs/site/api/inference.html").read_text(encoding="utf-8")
    assert "Denoises scans with a trained network" in text


def test_denoise_is_two_clicks_from_the_front_page(pages, site):
    front, python = pages[site / "index.html"], pages[site / "docs/python.html"]
    reference = pages[site / "docs/site/api/inference.html"]
    for first, second in ((front, python), (python, reference)):
        text = first.path.read_text(encoding="utf-8").partition("<article")[2]  # not the navigation
        links = re.findall(r'href="([^"]+)"', text)
        assert second.path in {first.target(link)[0] for link in links if not is_external(link)}
    assert "monai_unsup_denoise.inference.denoise" in reference.ids
