"""The ONNX graphs, run by onnxruntime, say what the network says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import onnxruntime
import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.export.onnx_export import write_onnx
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DisentangledDenoiser,
    NoiseEncoder,
    NoiseLevel,
)

#: Of batch and sides; the example that the export looks at has others.
SIZES = {
    "cube": (1, 32, 32, 32),
    "sides that are no multiples of 4": (1, 33, 18, 7),
    "one slice, three of a batch": (3, 17, 40, 1),
    "two slices": (2, 16, 21, 2),
}


class Exported:
    """A network and its two graphs."""

    def __init__(self, network: DisentangledDenoiser, folder: Path) -> None:
        self.network = network
        self.path, self.noise_path = folder / "model.onnx", folder / "noise.onnx"
        write_onnx(network, self.path, self.noise_path)
        self.session = onnxruntime.InferenceSession(self.path)
        self.noise_session = onnxruntime.InferenceSession(self.noise_path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A network as the bundle's, but with two scales and few features, which does something."""
    torch.manual_seed(0)
    generator = ContentGenerator(3, 1, code_channels=1, channels=(4, 6))
    network = DisentangledDenoiser(
        ContentEncoder(3, 1, channels=(4, 6)), NoiseEncoder(3), generator, NoiseLevel(), working_sigma=0.1
    )
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return Exported(network.eval(), tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The bundle's network with its weights."""
    return Exported(Denoiser.from_bundle(device="cpu").network, tmp_path_factory.mktemp("shipped"))


@pytest.fixture(params=["small", pytest.param("shipped", marks=pytest.mark.slow)])
def exported(request: pytest.FixtureRequest) -> Exported:
    return request.getfixturevalue(request.param)


def blocks(batch: int, *sides: int) -> torch.Tensor:
    """Bright blocks on air, with Rician noise of another level in each image of the batch."""
    clean = torch.zeros(batch, 1, *sides)
    clean[:, :, 3:-3, 2:-4] = 0.6
    clean[:, :, 6:-5, 5:-4] = 1.0
    noise = [add_rician_noise(image, 0.05 * (1 + index)) for index, image in enumerate(clean)]
    return torch.stack(noise)


def furthest(found: np.ndarray, expected: torch.Tensor) -> float:
    """The largest difference, as a part of the range of what was expected."""
    return float(np.abs(found - expected.numpy()).max() / (expected.max() - expected.min()))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@torch.no_grad()
def test_graph_equals_the_network_at_any_size(exported: Exported, size: tuple[int, ...]) -> None:
    image = blocks(*size)
    expected = exported.network(image)
    assert furthest(image.numpy(), expected) > 0.01
    found = exported.session.run(["pred"], {"image": image.numpy()})[0]
    assert found.shape == image.shape
    assert furthest(found, expected) < 1e-4


@torch.no_grad()
def test_graph_accepts_the_code_of_another_image(exported: Exported) -> None:
    image, whole = blocks(2, 21, 18, 9), blocks(1, 40, 30, 12)
    code = exported.network.encode_noise(3 * whole)
    found = exported.session.run(["pred"], {"image": image.numpy(), "code": code.numpy()})[0]
    assert furthest(found, exported.network(image, code)) < 1e-4
    assert furthest(found, exported.network(image)) > 1e-3


@torch.no_grad()
def test_both_graphs_estimate_the_noise_of_each_image(exported: Exported) -> None:
    image = blocks(3, 35, 18, 3)
    code = exported.network.encode_noise(image)
    for session in (exported.session, exported.noise_session):
        own_code, sigma = session.run(["own_code", "sigma"], {"image": image.numpy()})
        np.testing.assert_allclose(own_code, code, atol=1e-5)
        np.testing.assert_allclose(sigma, exported.network.sigma(code), rtol=1e-5)
    assert [output.name for output in exported.noise_session.get_outputs()] == ["own_code", "sigma"]


PAGE = Path(__file__).parents[2] / "docs" / "exports.md"


@pytest.mark.parametrize("shape", [(100, 24, 18), (30, 27, 2)], ids=["larger than a window", "two slices"])
def test_the_examples_of_the_page_denoise_as_the_package_does(
    small: Exported, shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy = 700 * blocks(1, *shape)[0, 0].numpy()
    nibabel.save(nibabel.Nifti1Image(noisy.astype(np.int16), np.diag([1.0, 1, 2, 1])), tmp_path / "scan.nii.gz")
    (tmp_path / "model.onnx").symlink_to(small.path)
    (tmp_path / "model_noise.onnx").symlink_to(small.noise_path)
    torch.jit.script(small.network).save(tmp_path / "model.ts")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    text = PAGE.read_text(encoding="utf-8")
    passes = []
    for example in re.findall(r"^```python\n(.+?)^```", text, flags=re.DOTALL | re.MULTILINE):
        exec(example, names)
        passes.append(np.squeeze(names.get("pred")))

    expected = Denoiser.from_bundle(network=small.network, device="cpu", settings={"fast": True}).denoise(
        tmp_path / "scan.nii.gz"
    )
    written = nibabel.load(tmp_path / "denoised.nii.gz")
    assert np.abs(expected.denoised - expected.noisy).max() > 10
    assert np.abs(written.get_fdata() - expected.denoised).max() < 1e-4 * np.ptp(expected.denoised)
    np.testing.assert_array_equal(written.affine, expected.affine)
    assert written.get_data_dtype() == np.float32
    assert names["reference"] * float(names["sigma"][0]) == pytest.approx(expected.sigma, rel=1e-4)
    np.testing.assert_allclose(passes[1], passes[2], atol=1e-4)  # in one pass: ONNX and TorchScript


@pytest.mark.slow
def test_noise_graph_is_a_small_file(shipped: Exported) -> None:
    assert shipped.noise_path.stat().st_size < 200_000
    assert shipped.path.stat().st_size < 25e6


def test_network_without_noise_level_is_refused(small: Exported, tmp_path: Path) -> None:
    parts = small.network
    network = DisentangledDenoiser(parts.content_encoder, parts.noise_encoder, parts.generator)
    with pytest.raises(InputError, match="without noise level"):
        write_onnx(network, tmp_path / "model.onnx", tmp_path / "noise.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_missing_package_is_named(
    small: Exported, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"^{name}\S*: not installed; pip install"):
        write_onnx(small.network, tmp_path / "model.onnx", tmp_path / "noise.onnx")
