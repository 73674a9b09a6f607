"""The measurement of backends: what is absent or fails gets a row that says so, and all compute the same."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import torch

from experiments import backends
from experiments.backends import BACKENDS, COLUMNS, Backend, measure
from experiments.backends_cell import onnxruntime, pytorch
from experiments.speed_page import BACKEND_TITLES
from monai_unsup_denoise.benchmark.methods import Environment
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.networks import convolution


def test_every_backend_has_a_title() -> None:
    assert list(BACKEND_TITLES) == list(BACKENDS)


@pytest.mark.parametrize("name", ["openvino", "openvino_int8", "onnxruntime"])
def test_absent_package_gives_a_row_that_says_so(name: str, tmp_path: Path) -> None:
    here = [Environment(Path(sys.executable), {"openvino": "1.0"} if name == "openvino_int8" else {})]
    row = measure(BACKENDS[name], here, folder=tmp_path, threads=1, own_packages=[])
    wanted = {"openvino": "openvino", "openvino_int8": "openvino, nncf", "onnxruntime": "onnxruntime"}[name]
    assert row["status"] == f"{wanted} not installed: make baselines"


def test_backend_that_fails_gives_a_row_with_its_error(tmp_path: Path) -> None:
    nothing = Backend("nothing", "float32", requires=(), imports=("no_such_module",))
    row = measure(nothing, [Environment(Path(sys.executable), {})], folder=tmp_path, threads=1, own_packages=[])
    assert row["status"] == "exit code 1: ModuleNotFoundError: No module named 'no_such_module'"


def test_fused_operators_give_what_public_functions_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "_is_fused", convolution._is_fused)  # put back at the end
    tile = np.random.default_rng(0).random((1, 1, 16, 16, 16), dtype=np.float32)
    code = np.zeros((1, 5), np.float32)
    threads = torch.get_num_threads()
    fused = pytorch(tile, code, threads=threads, bfloat16=False)()
    scripted = pytorch(tile, code, threads=threads, bfloat16=False, torchscript=True)()
    public = pytorch(tile, code, threads=threads, bfloat16=False, fused=False)()
    assert not convolution._is_fused(torch.rand(1))
    np.testing.assert_allclose(fused, public, atol=1e-5)
    np.testing.assert_allclose(scripted, public, atol=1e-5)


@pytest.mark.slow
def test_graph_gives_what_the_network_gives(tmp_path: Path) -> None:
    network = Denoiser.from_bundle(device="cpu").network
    backends._write_graph(network, tmp_path)
    graph = onnx.load(tmp_path / "network.onnx").graph
    assert len(graph.input) == 2
    tile = np.random.default_rng(0).random((1, 1, 16, 20, 18), dtype=np.float32)
    code = np.full((1, 5), 0.3, np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(tile), torch.from_numpy(code)).numpy()
    result = onnxruntime(tile, code, threads=1, model=str(tmp_path / "network.onnx"))()
    np.testing.assert_allclose(result, expected, atol=1e-4)


@pytest.mark.slow
def test_command_measures_two_backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "backends.csv"
    chosen = ["pytorch_float32", "ours"]
    arguments = ["--backends", *chosen, "--tile", "16", "16", "16", "--threads", "1", "--output", str(table)]
    monkeypatch.setattr(sys, "argv", ["backends", *arguments])
    backends.main()
    rows = pd.read_csv(table, index_col="backend")
    assert [rows.index.name, *rows.columns] == COLUMNS
    assert list(rows.index) == chosen
    assert list(rows["status"]) == ["ok", "ok"]
    assert rows["rms_difference_sigma"]["pytorch_float32"] == 0
    assert 0 < rows["rms_difference_sigma"]["ours"] < 0.01  # bfloat16
