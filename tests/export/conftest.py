"""A small network and the bundled one, as ONNX graphs."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch
from torch import nn

from monai_unsup_denoise.export.onnx_export import write_onnx
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser
from tests.small_networks import small_denoiser


class Exported:
    """A network and its two graphs."""

    def __init__(self, network: nn.Module, folder: Path) -> None:
        self.network = network
        self.path, self.noise_path = folder / "model.onnx", folder / "model_noise.onnx"
        write_onnx(network, self.path, self.noise_path)
        self.session = onnxruntime.InferenceSession(self.path)
        self.noise_session = onnxruntime.InferenceSession(self.noise_path)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A network like the bundled one, with two scales and few features, that changes its input."""
    torch.manual_seed(0)
    return Exported(small_denoiser(working_sigma=0.1).eval(), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The network of the bundle with its weights."""
    return Exported(Denoiser.from_bundle(device="cpu").network, tmp_path_factory.mktemp("bundled"))


def noisy_blocks(batch: int, *sides: int) -> torch.Tensor:
    """Bright blocks on a dark background, with another level of Rician noise in each image of the batch."""
    clean = torch.zeros(batch, 1, *sides)
    clean[:, :, 3:-3, 2:-4] = 0.6
    clean[:, :, 6:-5, 5:-4] = 1.0
    noise = [add_rician_noise(image, 0.05 * (1 + index)) for index, image in enumerate(clean)]
    return torch.stack(noise)
