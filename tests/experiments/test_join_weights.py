"""The bundle's model is made of three files of weights."""

import subprocess
import sys

import torch

from experiments.join_weights import join_weights
from monai_unsup_denoise.inference import Denoiser


def test_bundled_model_is_joined_of_its_parts():
    state = Denoiser.from_bundle(device="cpu").network.state_dict()
    white = {name.removeprefix("white."): value for name, value in state.items() if name.startswith("white.")}
    other = {name: value for name, value in state.items() if not name.startswith("white.")}
    joined = join_weights(white, other, other)
    assert joined.keys() == state.keys()
    assert all(torch.equal(joined[name].to(value), value) for name, value in state.items())


def test_each_part_comes_from_its_file():
    names = ("content_encoder.a", "generator.b", "noise_encoder.c", "noise_level.offset")
    white, denoiser, reader = ({name: torch.full((20,), value) for name in names} for value in (1.0, 2.0, 3.0))
    joined = {name: float(value[0]) for name, value in join_weights(white, denoiser, reader).items()}
    assert joined == dict(zip(names, (2, 2, 3, 3), strict=True)) | {f"white.{name}": 1 for name in names}


def test_parts_of_joined_models_can_be_joined_again():
    state = Denoiser.from_bundle(device="cpu").network.state_dict()
    reader = {name: value + 1 for name, value in state.items()}
    joined = join_weights(state, state, reader)
    assert joined.keys() == state.keys()
    for name, value in state.items():
        replaced = name.startswith(("noise_encoder.", "noise_level."))
        torch.testing.assert_close(joined[name].to(value), value + 1 if replaced else value, rtol=1e-3, atol=0)


def test_command_writes_the_joined_model(repository, tmp_path):
    source, output = repository / "bundles/brain_mri_denoise/models/model.pt", tmp_path / "model.pt"
    parts = [word for name in ("white", "denoiser", "noise-encoder") for word in (f"--{name}", str(source))]
    command = [sys.executable, "-m", "experiments.join_weights", *parts, "--output", str(output)]
    subprocess.run(command, cwd=repository, check=True)
    written, bundled = (torch.load(path, weights_only=True) for path in (output, source))
    assert written.keys() == bundled.keys() and all(torch.equal(written[name], bundled[name]) for name in bundled)
