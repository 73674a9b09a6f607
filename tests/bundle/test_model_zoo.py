"""What MONAI's model zoo asks of a bundle: of the one in the tree, and of the folder that is to be submitted.

The zoo's own checks are called as its `ci/verify_bundle.py` does; `docs/model_zoo.md` names the test of each rule.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.apps.utils import download_url
from monai.bundle import ConfigParser, ckpt_export, verify_metadata, verify_net_in_out
from packaging.requirements import Requirement

from experiments.model_zoo_folder import write_model_zoo_folder
from monai_unsup_denoise.errors import InputError

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"

#: Of the model zoo's readme template, whose name for the usage is longer; and the license, which it leaves out.
SECTIONS = (
    "### Authors",
    "### Tags",
    "## Model Description",
    "## Data",
    "## Performance",
    "## Usage",
    "## System Configuration",
    "## Limitations",
    "## Citation Info",
    "## References",
    "## License",
)
LARGEST = 25 * 2**20


@pytest.fixture(scope="module")
def pull_request(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder as it is to be submitted: its large files are elsewhere, here in a folder of this machine."""
    place = tmp_path_factory.mktemp("pull_request")
    return write_model_zoo_folder(place, BUNDLE, large_files_at=(place / "large_files").as_uri())


@pytest.fixture(scope="module", params=["tree", "zoo"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle in the tree, or as the zoo checks it: the one submitted, with its large files fetched."""
    if request.param == "tree":
        return BUNDLE
    submitted = request.getfixturevalue("pull_request")
    place = shutil.copytree(submitted, tmp_path_factory.mktemp("models") / submitted.name)
    for file in ConfigParser.load_config_file(str(place / "large_files.yml"))["large_files"]:
        download_url(
            url=file["url"],
            filepath=str(place / file["path"]),
            hash_val=file["hash_val"],
            hash_type=file["hash_type"],
            progress=False,
        )
    return place


@pytest.fixture(scope="module")
def metadata(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))


def test_the_files_that_are_asked_for_are_there(folder: Path) -> None:
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright" in (folder / "docs" / "data_license.txt").read_text(encoding="utf-8")
    for name in ("configs/metadata.json", "configs/inference.json", "docs/README.md", "models/model.pt"):
        assert (folder / name).is_file(), name


def test_no_file_is_larger_than_the_zoo_stores(folder: Path) -> None:
    assert [file for file in folder.rglob("*") if file.is_file() and file.stat().st_size > LARGEST] == []


def test_no_file_is_larger_than_the_hook_of_the_zoo_lets_in(pull_request: Path) -> None:
    large = {
        file["path"] for file in ConfigParser.load_config_file(str(pull_request / "large_files.yml"))["large_files"]
    }
    assert {"models/model.pt", "models/model.ts"} <= large
    assert [file for file in pull_request.rglob("*") if file.is_file() and file.stat().st_size > 1024 * 1024] == []
    assert {file.name for file in (pull_request.parents[1] / "large_files").iterdir()} == {Path(p).name for p in large}


def test_configs_are_laid_out_as_the_hook_of_the_zoo_wants(pull_request: Path) -> None:
    for file in pull_request.rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=4) + "\n", file.name
    for file in (BUNDLE / "configs").glob("*.json"):
        ours, theirs = (json.loads(path.read_text()) for path in (file, pull_request / "configs" / file.name))
        assert theirs == ({**ours, "bundle_root": "."} if "bundle_root" in ours else ours)


def test_a_folder_that_is_there_is_not_written_over(pull_request: Path) -> None:
    with pytest.raises(InputError, match="exists; remove it"):
        write_model_zoo_folder(pull_request.parents[1], BUNDLE, large_files_at="https://example.org")


def strings(content: Any) -> Iterator[str]:
    """All strings in a config."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, (dict, list)):
        for part in content.values() if isinstance(content, dict) else content:
            yield from strings(part)


def test_no_config_names_a_folder_of_a_machine(folder: Path) -> None:
    for file in (folder / "configs").glob("*.json"):
        for text in strings(json.loads(file.read_text(encoding="utf-8"))):
            assert not re.match(r"(?:/|~|[A-Za-z]:\\|\$'/)", text), f"{file.name}: {text}"


def test_the_model_card_links_to_nothing_outside(folder: Path) -> None:
    card = (folder / "docs" / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", card) if not link.startswith(("#", "https://"))]
    assert [link for link in links if not (folder / "docs" / link).resolve().is_relative_to(folder.resolve())] == []


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


@pytest.mark.parametrize("names", [["inference"], ["train", "evaluate"]], ids=lambda names: names[-1])
def test_the_network_takes_and_gives_what_the_metadata_says(folder: Path, names: list[str]) -> None:
    configs = folder / "configs"
    verify_net_in_out(
        net_id="network_def",
        meta_file=str(configs / "metadata.json"),
        config_file=[str(configs / f"{name}.json") for name in names],
        bundle_root=str(folder),
    )


def test_the_smallest_volume_described_is_the_smallest_taken(metadata: dict[str, Any], folder: Path) -> None:
    described = [
        eval(str(side), {"n": 1}) for side in metadata["network_data_format"]["inputs"]["image"]["spatial_shape"]
    ]
    assert described == json.loads((folder / "configs" / "inference.json").read_text())["min_shape"]


def test_the_weights_become_the_torchscript_of_the_bundle(folder: Path, tmp_path: Path) -> None:
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    state = torch.load(folder / "models" / "model.pt", weights_only=True)
    parser.get_parsed_content("network_def").load_state_dict(state, strict=True)
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(folder / "models" / "model.pt"),
        meta_file=str(folder / "configs" / "metadata.json"),
        config_file=str(folder / "configs" / "inference.json"),
        bundle_root=str(folder),
    )
    exported, shipped = (torch.jit.load(path) for path in (tmp_path / "model.ts", folder / "models" / "model.ts"))
    image = torch.rand(1, 1, 20, 17, 6)
    with torch.no_grad():
        torch.testing.assert_close(exported(image), shipped(image))
    assert exported.state_dict().keys() == state.keys()


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
    headings = re.findall(r"^(#{1,3} )\**(.+?)\**$", card, flags=re.MULTILINE)
    assert ["".join(heading) for heading in headings] == [f"# {metadata['name']}", *SECTIONS]


def test_the_model_card_says_that_tensorrt_was_not_tried(folder: Path) -> None:
    assert "TensorRT has not been tried" in (folder / "docs" / "README.md").read_text(encoding="utf-8")


def test_the_page_about_the_zoo_names_tests_that_there_are() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "model_zoo.md").read_text(encoding="utf-8")))
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 10
    assert named - set(re.findall(r"^def (test_\w+)", code, flags=re.MULTILINE)) == set()
