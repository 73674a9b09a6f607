"""The ONNX graphs, run by onnxruntime, compute what the network computes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.export.onnx_export import write_onnx
from monai_unsup_denoise.networks import DisentangledDenoiser
from tests.export.conftest import Exported, noisy_blocks

#: Batch and sides, other than those of the image that the export traces.
SIZES = {
    "cube": (1, 32, 32, 32),
    "sides that are no multiples of 4": (1, 33, 18, 7),
    "one slice, three of a batch": (3, 17, 40, 1),
    "two slices": (2, 16, 21, 2),
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow) for name in ("small", "bundled")])
def exported(request: pytest.FixtureRequest) -> Exported:
    return request.getfixturevalue(request.param)


def furthest(found: np.ndarray, expected: torch.Tensor) -> float:
    """The largest difference, relative to the range of ``expected``."""
    return float(np.abs(found - expected.numpy()).max() / (expected.max() - expected.min()))


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@torch.no_grad()
def test_graph_equals_the_network_at_any_size(exported: Exported, size: tuple[int, ...]) -> None:
    image = noisy_blocks(*size)
    expected = exported.network(image)
    assert furthest(image.numpy(), expected) > 0.01
    found = exported.session.run(["pred"], {"image": image.numpy()})[0]
    assert found.shape == image.shape
    assert furthest(found, expected) < 1e-4


@torch.no_grad()
def test_graph_accepts_the_code_of_another_image(exported: Exported) -> None:
    image, whole = noisy_blocks(2, 21, 18, 9), noisy_blocks(1, 40, 30, 12)
    code = exported.network.encode_noise(3 * whole)
    found = exported.session.run(["pred"], {"image": image.numpy(), "code": code.numpy()})[0]
    assert furthest(found, exported.network(image, code)) < 1e-4
    assert furthest(found, exported.network(image)) > 1e-3


@torch.no_grad()
def test_both_graphs_estimate_the_noise_of_each_image(exported: Exported) -> None:
    image = noisy_blocks(3, 35, 18, 3)
    code = exported.network.encode_noise(image)
    for session in (exported.session, exported.noise_session):
        own_code, sigma = session.run(["own_code", "sigma"], {"image": image.numpy()})
        np.testing.assert_allclose(own_code, code, atol=1e-5)
        np.testing.assert_allclose(sigma, exported.network.sigma(code), rtol=1e-5)
    assert [output.name for output in exported.noise_session.get_outputs()] == ["own_code", "sigma"]


@pytest.mark.slow
def test_noise_graph_lacks_the_denoisers(bundled: Exported) -> None:
    readers = bundled.network.noise_encoder, bundled.network.white.noise_encoder
    weights = sum(parameter.numel() for reader in readers for parameter in reader.parameters())
    assert bundled.noise_path.stat().st_size < 2 * weights + 200_000  # in half precision, and the graph
    assert bundled.path.stat().st_size < 25e6


@pytest.mark.slow
def test_graphs_hold_no_folder_of_this_machine(bundled: Exported) -> None:
    assert not any(b".py" in path.read_bytes() for path in (bundled.path, bundled.noise_path))


@pytest.mark.slow
def test_network_without_noise_level_is_refused(small: Exported, tmp_path: Path) -> None:
    parts = small.network
    network = DisentangledDenoiser(parts.content_encoder, parts.noise_encoder, parts.generator)
    with pytest.raises(InputError, match="does not estimate the noise level"):
        write_onnx(network, tmp_path / "model.onnx", tmp_path / "noise.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["onnx", "onnxscript"])
def test_missing_package_is_named(small: Exported, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"^{name}: not installed; pip install .monai-unsup-denoise.onnx"):
        write_onnx(small.network, tmp_path / "model.onnx", tmp_path / "noise.onnx")
