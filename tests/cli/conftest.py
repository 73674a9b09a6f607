"""A model that changes nothing, one that changes something, and the command in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.cli import main

SHAPE = (18, 17, 6)


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def mri_denoise(capfd) -> Callable[..., Outcome]:
    """Run `mri-denoise` with these arguments."""

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(ended.value.code or 0, out, err)

    return run


@pytest.fixture(scope="session")
def bundle(repository) -> Path:
    return repository / "bundles" / "brain_mri_denoise"


@pytest.fixture(scope="session")
def identity(tmp_path_factory, bundle) -> Path:
    """Weights of an untrained denoiser: its residual generator returns its input."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    state = parser.get_parsed_content("network_def").state_dict()
    state["noise_encoder.sureness.2.bias"] -= 4  # sure of what it reads
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def smoothing(identity) -> Path:
    """Weights of a denoiser that does something, if nothing useful."""
    state = torch.load(identity)
    for name in ("generator.head.weight", "white.generator.head.weight"):
        state[name] = 0.01 * torch.randn(state[name].shape)
    torch.save(state, identity.with_name("other.pt"))
    return identity.with_name("other.pt")


@pytest.fixture(scope="session")
def correlating(identity) -> Path:
    """Weights that read the same correlation (0.4, 0.2, 0) and 8 coils from every scan, and change nothing."""
    state = torch.load(identity)
    state["noise_encoder.head.bias"][1:5] = torch.tensor([0.8, 0.4, 0.0, 1.5])
    torch.save(state, identity.with_name("correlating.pt"))
    return identity.with_name("correlating.pt")


def magnitudes(shape=SHAPE) -> np.ndarray:
    """A bright block with noise on it: float32, scanner units."""
    generator = np.random.default_rng(0)
    clean = np.zeros(shape)
    clean[3:-3, 4:-4, 1:-1] = 900
    return np.abs(clean + 30 * generator.standard_normal(shape)).astype(np.float32)


@pytest.fixture
def volume() -> np.ndarray:
    return magnitudes()


@pytest.fixture
def scan(tmp_path) -> Path:
    """A good NIfTI file, `in/scan.nii.gz`."""
    path = tmp_path / "in" / "scan.nii.gz"
    path.parent.mkdir()
    nibabel.save(nibabel.Nifti1Image(magnitudes(), np.diag([1.0, 1, 2, 1])), path)
    return path
