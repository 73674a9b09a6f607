"""The best model is kept, and never half-written."""

import math

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_unsup_denoise.training.best_model import BestModel


@pytest.fixture
def network():
    return nn.Linear(2, 1)


def validate(best: BestModel, value: float, weight: float) -> None:
    """One validation, of a network with this weight, that gives this metric."""
    best.network.weight.data.fill_(weight)
    evaluator = Engine(lambda *_: None)
    best.attach(evaluator)
    evaluator.state.metrics = {"psnr": value}
    evaluator.run(range(1))


def kept(path) -> float:
    return torch.load(path, weights_only=True)["weight"][0, 0].item()


def test_only_a_better_model_replaces_the_one_on_disk(network, tmp_path):
    path = tmp_path / "models" / "model.pt"
    best = BestModel(network, path)
    for value, weight, expected in [(20, 1, 1), (19, 2, 1), (20, 3, 1), (math.nan, 4, 1), (21, 5, 5), (-3, 6, 5)]:
        validate(best, value, weight)
        assert kept(path) == expected
    assert set(torch.load(path, weights_only=True)) == set(network.state_dict())


def test_even_the_worst_model_is_kept_while_there_is_no_other(network, tmp_path):
    validate(BestModel(network, tmp_path / "model.pt"), -1e9, 7)
    assert kept(tmp_path / "model.pt") == 7


def test_the_record_survives_a_resume(network, tmp_path):
    before, after = (BestModel(network, tmp_path / "model.pt") for _ in range(2))
    validate(before, 25.0, 1)
    torch.save(before.state_dict(), tmp_path / "state.pt")
    after.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    validate(after, 24.0, 2)
    assert kept(tmp_path / "model.pt") == 1
    validate(after, 26.0, 3)
    assert kept(tmp_path / "model.pt") == 3


def test_a_write_that_fails_leaves_the_model_that_was_there(network, tmp_path, monkeypatch):
    best = BestModel(network, tmp_path / "model.pt")
    validate(best, 20.0, 1)

    def disk_full(state, file):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="no space"):
        validate(best, 21.0, 2)
    assert kept(tmp_path / "model.pt") == 1


def test_equal_models_make_equal_files(network, tmp_path):
    for name in ("first.pt", "second.pt"):
        validate(BestModel(network, tmp_path / name), 20.0, 1)
    assert (tmp_path / "first.pt").read_bytes() == (tmp_path / "second.pt").read_bytes()


def test_only_the_first_process_writes(network, tmp_path, monkeypatch):
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 1)
    best = BestModel(network, tmp_path / "model.pt")
    validate(best, 20.0, 1)
    assert best.best == 20.0 and not list(tmp_path.iterdir())


def test_nothing_is_left_beside_the_model(network, tmp_path):
    validate(BestModel(network, tmp_path / "model.pt"), 20.0, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]
