"""What MONAI's model zoo asks of a bundle: of the one in the tree, and of the zip that is handed out."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from monai.bundle import ConfigParser, verify_metadata, verify_net_in_out
from packaging.requirements import Requirement

from monai_unsup_denoise.export.bundle_zip import write_bundle_zip

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"

#: Of the model zoo's readme template.
SECTIONS = (
    "Authors",
    "Tags",
    "Model Description",
    "Data",
    "Performance",
    "Usage",
    "System Configuration",
    "Limitations",
    "Citation Info",
    "References",
    "License",
)
LARGEST = 25 * 2**20


@pytest.fixture(scope="module", params=["tree", "zip"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle in the tree, or unpacked from its zip."""
    if request.param == "tree":
        return BUNDLE
    place = tmp_path_factory.mktemp("unpacked")
    write_bundle_zip(place / "bundle.zip", BUNDLE)
    with zipfile.ZipFile(place / "bundle.zip") as archive:
        archive.extractall(place)
    return place / "brain_mri_denoise"


@pytest.fixture(scope="module")
def metadata(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))


def test_the_files_that_are_asked_for_are_there(folder: Path) -> None:
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")
    for name in ("configs/metadata.json", "configs/inference.json", "docs/README.md", "models/model.pt"):
        assert (folder / name).is_file(), name


def test_no_file_is_larger_than_the_zoo_stores(folder: Path) -> None:
    assert [file for file in folder.rglob("*") if file.is_file() and file.stat().st_size > LARGEST] == []


def test_the_metadata_follows_the_schema(folder: Path) -> None:
    schema = Path(__file__).with_name("metadata_schema.json")
    verify_metadata(meta_file=str(folder / "configs" / "metadata.json"), filepath=str(schema))


def test_the_version_is_explained_in_the_changelog(metadata: dict[str, Any]) -> None:
    assert metadata["version"] in metadata["changelog"]
    newest = max(metadata["changelog"], key=lambda version: [int(part) for part in version.split(".")])
    assert newest == metadata["version"]


def test_the_versions_named_are_those_the_tests_pass_with(metadata: dict[str, Any]) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    tested = {requirement.name: next(iter(requirement.specifier)).version for requirement in requirements}
    named = {name: metadata[f"{key}_version"] for key, name in [("monai", "monai"), ("numpy", "numpy")]}
    named |= {"torch": metadata["pytorch_version"], **metadata["required_packages_version"]}
    assert named == {name: tested.get(name) for name in named}


def test_input_and_output_are_described_as_image_and_pred(metadata: dict[str, Any]) -> None:
    data = metadata["network_data_format"]
    assert list(data["inputs"]) == ["image"]
    assert list(data["outputs"]) == ["pred"]
    for described in (data["inputs"]["image"], data["outputs"]["pred"]):
        assert described["type"] == "image"
        assert len(described["channel_def"]) == described["num_channels"]


def test_the_network_takes_and_gives_what_the_metadata_says(folder: Path) -> None:
    configs = folder / "configs"
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        device="cpu",
        p=1,
        n=1,
        any=32,
    )


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("inference", ["bundle_root", "device", "network_def", "inferer", "output_dir", "preprocessing"]),
        (
            "train",
            [
                *("bundle_root", "device", "dataset_dir", "output_dir", "val_interval"),
                *("train#trainer", "train#trainer#max_epochs", "train#dataset", "train#dataset#data"),
                *("train#handlers", "train#inferer"),
                *("validate#evaluator", "validate#handlers", "validate#dataset", "validate#dataset#data"),
                *("validate#preprocessing", "validate#postprocessing", "validate#inferer", "validate#key_metric"),
            ],
        ),
    ],
)
def test_the_configs_name_things_as_in_other_bundles(folder: Path, name: str, keys: list[str]) -> None:
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / f"{name}.json"))
    assert [key for key in keys if key not in parser] == []


def test_the_model_card_has_the_sections_of_the_template(folder: Path, metadata: dict[str, Any]) -> None:
    card = (folder / "docs" / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^(#{1,2}) \**(.+?)\**$", card, flags=re.MULTILINE)
    titles = [title for _, title in headings]
    assert titles == [metadata["name"], *SECTIONS]
