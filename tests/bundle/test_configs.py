"""The shipped configs, as MONAI's own tools see them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from pydoc import locate
from typing import Any

import pytest
import torch
from monai.bundle import ComponentLocator, ConfigParser, ConfigWorkflow, ckpt_export

from monai_unsup_denoise.errors import find_input_error
from monai_unsup_denoise.inference.weights import load_weights

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"
CONFIGS = sorted((BUNDLE / "configs").glob("*.json"))
PUBLISHED = ("adversarial.json", "slab_2d.json", "published_experiment.json")
PAPER = (*PUBLISHED, "train_paper.json")
TRAININGS = [
    PAPER,
    (*PAPER, "train_paper_plus.json"),
    (*PUBLISHED, "train_cyclegan.json"),
    ("slab_2d.json", "train_paired.json", "train_dncnn.json"),
    ("train_paired.json",),
    ("train_selfsup.json",),
    ("train_full.json",),
    ("train_noise_reader.json",),
    ("train_scanner_noise.json",),
    ("train_large_patches.json",),
    ("train_deeper.json",),
    ("weights_1_small_patches.json",),
    ("train_large_patches.json", "weights_2_large_patches.json"),
    ("train_deeper.json", "weights_3_deeper.json"),
    ("weights_4_longer.json",),
    ("train_noise_reader.json", "weights_5_noise_reader.json"),
    ("train_scanner_noise.json", "weights_6_scanner_noise.json"),
]


def targets(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        if "_target_" in config:
            yield config["_target_"]
        config = list(config.values())
    if isinstance(config, list):
        for item in config:
            yield from targets(item)


def is_module(target: str) -> bool:
    try:
        return find_spec(target) is not None
    except ModuleNotFoundError:  # its parent is no package
        return False


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_every_target_resolves_to_one_thing(path: Path) -> None:
    locator = ComponentLocator()
    for target in set(targets(json.loads(path.read_text()))):
        if "." in target:
            assert locate(target) is not None, f"{target} does not exist"
            assert not is_module(target), f"{target} is a module too, which is what Python 3.12's `locate` finds"
        else:
            module = locator.get_component_module_name(target)
            assert isinstance(module, str), f"{target} is {module or 'nowhere'}"


@pytest.mark.parametrize(("name", "kind"), [("train", "train"), ("inference", "infer")])
def test_the_bundle_has_every_property_that_monai_asks_for(name: str, kind: str, tmp_path: Path) -> None:
    few = {"datalists#spacing": 4, "datalists#noisy_subjects": [0], "datalists#clean_subjects": [4]}
    few["clean_data"] = "$@datalists['clean']"
    overrides = few | {"tracking_uri": f"sqlite:///{tmp_path}/x.db"} if kind == "train" else {}
    workflow = ConfigWorkflow(
        config_file=str(BUNDLE / "configs" / f"{name}.json"),
        meta_file=str(BUNDLE / "configs" / "metadata.json"),
        logging_file=False,
        workflow_type=kind,
        bundle_root=str(BUNDLE),
        **overrides,
    )
    workflow.initialize()
    assert workflow.check_properties() == []


def test_the_torchscript_export_denoises_as_the_network_does(tmp_path: Path) -> None:
    parser = ConfigParser()
    parser.read_config(str(BUNDLE / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def")
    for part in (network, network.white):
        torch.nn.init.normal_(part.generator.head.weight, std=0.1)
    torch.save(network.state_dict(), tmp_path / "model.pt")
    ckpt_export(
        net_id="network_def",
        filepath=str(tmp_path / "model.ts"),
        ckpt_file=str(tmp_path / "model.pt"),
        meta_file=str(BUNDLE / "configs" / "metadata.json"),
        config_file=str(BUNDLE / "configs" / "inference.json"),
        key_in_ckpt="",
    )
    scripted = torch.jit.load(tmp_path / "model.ts")
    image = torch.rand(2, 1, 21, 18, 9)
    with torch.no_grad():
        expected = network(image)
        assert (expected - image).abs().max() > 0.01
        torch.testing.assert_close(scripted(image), expected)


@pytest.mark.parametrize(
    ("training", "inference"),
    [
        (["train.json"], "inference.json"),
        (["train.json", "train_paired.json"], "inference_paired.json"),
        (["train.json", "train_selfsup.json"], "inference.json"),
        (["train.json", "train_full.json"], "inference.json"),
        (["train.json", "train_large_patches.json"], "inference.json"),
        (["train.json", "adversarial.json"], "inference.json"),
        (["train.json", *PAPER], "inference_paper.json"),
        (["train.json", *PAPER, "train_paper_plus.json"], "inference_paper.json"),
        (["train.json", *PUBLISHED, "train_cyclegan.json"], "inference_cyclegan.json"),
        (["train.json", "slab_2d.json", "train_paired.json", "train_dncnn.json"], "inference_dncnn.json"),
    ],
)
def test_training_and_inference_describe_the_same_network(training: list[str], inference: str, tmp_path: Path) -> None:
    train, infer = ConfigParser(), ConfigParser()
    train.read_config([str(BUNDLE / "configs" / name) for name in training])
    infer.read_config([str(BUNDLE / "configs" / name) for name in ("inference.json", inference)])
    assert train["inference_config"] == inference, "which a registered model takes"
    trained = train.get_parsed_content("denoiser").eval()
    slices = train.get_parsed_content("slices")
    image = torch.rand(1, 1, 24, 24, 12) if train["spatial_dims"] == 3 else torch.rand(1, slices, 24, 24)
    with torch.no_grad():
        for parameter in trained.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    torch.save(trained.state_dict(), tmp_path / "model.pt")
    loaded = load_weights(infer.get_parsed_content("network_def"), tmp_path / "model.pt").eval()
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), trained(image))


def test_a_training_starts_from_the_weights_it_is_given(tmp_path: Path) -> None:
    given = ConfigParser.load_config_file(str(BUNDLE / "configs" / "train.json"))
    denoisers = []
    for pretrained in (None, str(tmp_path / "model.pt")):
        parser = ConfigParser({**given, "pretrained": pretrained})
        torch.manual_seed(len(denoisers))
        denoisers.append(parser.get_parsed_content("denoiser"))
        average = parser.get_parsed_content("average")
        torch.save(denoisers[0].state_dict(), tmp_path / "model.pt")
    for name, weight in denoisers[0].state_dict().items():
        assert torch.equal(denoisers[1].state_dict()[name], weight)
        assert torch.equal(average.module.state_dict()[name], weight)


def test_the_deeper_network_starts_as_the_shallower_one(tmp_path: Path) -> None:
    shallow, deep, infer = ConfigParser(), ConfigParser(), ConfigParser()
    shallow.read_config(str(BUNDLE / "configs" / "train.json"))
    shallow["blocks"] = 1
    given = shallow.get_parsed_content("denoiser").eval()
    torch.nn.init.normal_(given.generator.head.weight, std=0.1)
    torch.save(given.state_dict(), tmp_path / "model.pt")
    deep.read_config([str(BUNDLE / "configs" / name) for name in ("train.json", "train_deeper.json")])
    deep["pretrained"] = str(tmp_path / "model.pt")
    denoiser = deep.get_parsed_content("denoiser").eval()
    infer.read_config(str(BUNDLE / "configs" / "inference.json"))
    image = torch.rand(1, 1, 24, 24, 12)
    with torch.no_grad():
        torch.testing.assert_close(denoiser(image), given(image))
    torch.save(denoiser.state_dict(), tmp_path / "deep.pt")
    loaded = load_weights(infer.get_parsed_content("network_def"), tmp_path / "deep.pt").eval()
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), given(image))
    assert deep["datalists#seed"] == shallow["seed"] != deep["seed"], "the same subjects, other patches of them"


def test_missing_perceptual_weights_are_an_error_that_says_how(tmp_path: Path) -> None:
    parser = ConfigParser()
    parser.read_config([str(BUNDLE / "configs" / name) for name in ("train.json", *PAPER)])
    parser["perceptual_path"] = str(tmp_path / "nowhere.pt")
    with pytest.raises(RuntimeError) as caught:
        parser.get_parsed_content("perceptual")
    mistake = find_input_error(caught.value)
    assert mistake is not None
    assert "nowhere.pt: no such file; train it with configs/train_perceptual.json" in str(mistake)


@pytest.mark.parametrize("max_epochs, interval", [(1, 1), (14, 7), (40, 7)])
def test_a_short_training_is_validated_at_its_end(max_epochs: int, interval: int) -> None:
    assert validation_interval([], max_epochs) == interval


# train_selfsup.json has no truth to validate on: the last epoch is kept.
@pytest.mark.parametrize("names", [n for n in TRAININGS if "selfsup" not in n[-1]], ids=lambda names: names[-1])
def test_a_training_of_one_epoch_leaves_a_model(names: tuple[str, ...]) -> None:
    assert validation_interval(names, 1) == 1


@pytest.mark.parametrize("names", [("train.json",), *TRAININGS], ids=lambda names: names[-1])
def test_every_component_of_a_training_takes_its_arguments(names: tuple[str, ...], tmp_path: Path) -> None:
    parser = training(*names)
    if "perceptual" in parser:
        parser["perceptual#classifier#path"] = None
    parser["datalists"] = {name: [{"image": "x.nii"}] for name in ("noisy", "clean", "validation")}
    for part in ("objective", "optimizers", "lr_scheduler", "clean_transform", "noisy_transform"):
        parser.get_parsed_content(f"train#{part}")
    networks, optimizers = parser.get_parsed_content("networks"), parser.get_parsed_content("train#optimizers")
    assert ("discriminator_high" in networks) == ("discriminator" in optimizers)


def test_each_phase_of_make_weights_starts_from_the_one_before() -> None:
    phases = [
        training("weights_1_small_patches.json"),
        training("train_large_patches.json", "weights_2_large_patches.json"),
        training("train_deeper.json", "weights_3_deeper.json"),
        training("weights_4_longer.json"),
        training("train_noise_reader.json", "weights_5_noise_reader.json"),
        training("train_scanner_noise.json", "weights_6_scanner_noise.json"),
    ]
    given = [phase.get_parsed_content("pretrained") for phase in phases]
    made = [phase.get_parsed_content("model_path") for phase in phases]
    assert given == [None, *made[:-1]]
    assert made[-1] == str(BUNDLE / "models" / "model.pt")


def validation_interval(names: Sequence[str], max_epochs: int) -> int:
    parser = training(*names)
    parser["max_epochs"] = max_epochs
    return parser.get_parsed_content("val_interval")


def training(*names: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(BUNDLE / "configs" / name) for name in ("train.json", *names) if name])
    parser["bundle_root"] = str(BUNDLE)
    return parser
