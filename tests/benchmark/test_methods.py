"""What a method runs with, or why it cannot; and on what its results depend."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from monai_unsup_denoise.benchmark.environments import Environment, find_environments
from monai_unsup_denoise.benchmark.methods import DenoisingMethod, choose_methods, prepare
from monai_unsup_denoise.errors import InputError

NAMES = (
    "noisy gaussian adf adf_unbiased nlmeans sanlm ants bm3d_vst bm4d_vst noise2void dncnn cyclegan paper ours "
    "ours_fast paired"
)


@pytest.fixture(scope="module")
def entries(repository) -> dict:
    return json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())["methods"]


def test_the_shipped_entries_are_the_sixteen_methods(entries):
    methods = choose_methods(entries)
    assert [method.name for method in methods] == NAMES.split()
    assert len({method.title for method in methods}) == 16


def test_the_quick_grid_is_a_part_of_the_full_one(repository):
    settings = json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())
    assert set(settings["quick"]) - {"remark"} <= set(settings)
    assert set(settings["quick"]["levels"]) < set(settings["levels"])


@pytest.mark.parametrize("name", NAMES.split())
def test_a_shipped_entry_is_complete(name, entries, repository, interpreters, tmp_path):
    """With its packages and weights at hand there is no obstacle, and its class is where the entry says."""
    [method] = choose_methods(entries, [name])
    versions = {canonicalize_name(distribution): "1" for distribution in method.requires}
    (tmp_path / str(method.weights)).write_bytes(b"weights")
    configs = repository / "bundles/brain_mri_denoise/configs"
    prepared = prepare(
        method, interpreters=[Environment(Path("python"), versions)], model_folders=[tmp_path], configs=configs
    )
    assert prepared.obstacle is None
    assert not (set(method.requires) - {"torch", "scipy", "itk"}) or method.install


def test_an_unknown_method_is_refused_with_the_known_ones(entries):
    with pytest.raises(InputError, match="--method bm5d: no such method; choose from noisy, gaussian, "):
        choose_methods(entries, ["noisy", "bm5d"])


def test_methods_are_chosen_by_name_in_the_order_of_the_entries(entries):
    assert [method.name for method in choose_methods(entries, ["ours", "noisy", "ours"])] == ["noisy", "ours"]


def test_a_method_runs_where_its_packages_are(tmp_path):
    here = Environment(Path("here"), {"numpy": "2"})
    peers = Environment(Path("peers"), {"numpy": "2", "cat-surf": "1.1.6"})
    method = DenoisingMethod("m", "M", "toy_methods.Shrink", requires=["cat_surf", "numpy"], install="make peers")
    find = {"model_folders": [], "configs": tmp_path}
    prepared = prepare(method, interpreters=[here, peers], **find)
    assert prepared.python == Path("peers") and prepared.versions == "cat_surf 1.1.6; numpy 2"
    assert prepare(method, interpreters=[here], **find).obstacle == "cat_surf not installed: make peers"


def test_this_interpreter_comes_first_and_knows_its_packages():
    [here, *_] = find_environments()
    assert here.versions["numpy"] == version("numpy")
    assert here.lacks(["numpy", "Scikit_Image", "no-such-thing"]) == ["no-such-thing"]


def test_the_peers_environment_is_found_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(find_environments()) == 1
    python = tmp_path / ".peers" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho \'{"Cat_Surf": "1.1"}\'\n')
    python.chmod(0o755)
    assert find_environments()[1] == Environment(python, {"cat-surf": "1.1"})


@pytest.mark.parametrize("content", [None, "#!/bin/sh\nexit 1\n"])
def test_an_interpreter_that_is_none_is_refused(content, tmp_path):
    python = tmp_path / "python"
    if content:
        python.write_text(content)
        python.chmod(0o755)
    with pytest.raises(InputError, match=f"{python}: is no working Python"):
        find_environments(python)


def test_weights_come_from_the_first_folder_that_has_them(tmp_path, interpreters):
    method = DenoisingMethod("m", "M", "toy_methods.Shrink", weights="model_x.pt", install="make train-peers")
    folders = [tmp_path / "mine", tmp_path / "bundle"]
    find = {"interpreters": interpreters, "model_folders": folders, "configs": tmp_path}
    assert prepare(method, **find).obstacle == "model_x.pt not found: make train-peers"
    for folder in reversed(folders):
        folder.mkdir()
        (folder / "model_x.pt").write_bytes(folder.name.encode())
        assert prepare(method, **find).parameters == {"model": str(folder / "model_x.pt")}


def test_a_module_that_is_not_there_is_an_obstacle(make):
    assert make("no_such_module.Method").obstacle == "no_such_module.Method: no such module; check its dotted path"


def test_the_digest_follows_weights_configs_and_the_networks_they_name(tmp_path, make):
    (tmp_path / "models").mkdir()
    entry = {"weights": "model_x.pt", "parameters": {"config": "inference_x.json"}}
    digests = []
    for weights, base, over in [
        ("a", "Denoiser", "{}"),
        ("b", "Denoiser", "{}"),
        ("b", "DnCNN", "{}"),
        ("b", "DnCNN", '{"a": 1}'),
        ("b", "DnCNN", '{"a": 1}'),
    ]:
        (tmp_path / "models" / "model_x.pt").write_text(weights)
        network = {"_target_": f"monai_unsup_denoise.networks.{base}"}
        (tmp_path / "inference.json").write_text(json.dumps({"network_def": [network], "n": {"_target_": "Compose"}}))
        (tmp_path / "inference_x.json").write_text(over)
        digests.append(make("Shrink", **entry).digest)
    assert len(set(digests)) == 4 and digests[-1] == digests[-2]
