"""The best model is kept, and never half-written."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_unsup_denoise.errors import InputError
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
    with pytest.raises(InputError, match=r"model\.pt: cannot be written \(no space.*; make room or give another"):
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


def test_weights_count_as_written_only_if_this_training_did(network, tmp_path):
    (tmp_path / "model.pt").touch()
    best = BestModel(network, tmp_path / "model.pt")
    assert best.written() is None
    validate(best, 20.0, 1)
    assert best.written() == tmp_path / "model.pt"
    resumed = BestModel(network, tmp_path / "model.pt")
    resumed.load_state_dict(best.state_dict())
    assert resumed.written() == tmp_path / "model.pt"


def test_place_where_no_model_can_be_is_refused_at_the_start(network, tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "model.pt"):
        with pytest.raises(InputError):
            BestModel(network, path).attach(Engine(lambda *_: None))


def test_two_trainings_of_one_model_leave_it_whole(tmp_path):
    """Both write at once; whoever reads in between gets one of the two."""
    path, done = tmp_path / "model.pt", threading.Event()
    best = [BestModel(nn.Linear(2, 1), path) for _ in range(2)]
    validate(best[0], 1.0, 1)
    seen = set()

    def read():
        while not done.is_set():
            seen.add(kept(path))

    def write(index):
        for value in range(2, 40):
            validate(best[index], value, index + 1)

    with ThreadPoolExecutor() as pool:
        reading, *writing = pool.submit(read), pool.submit(write, 0), pool.submit(write, 1)
        for writer in writing:
            writer.result()
        done.set()
        reading.result()
    assert seen <= {1.0, 2.0} and [file.name for file in tmp_path.iterdir()] == ["model.pt"]


def test_link_at_the_place_of_the_model_is_not_followed(network, tmp_path):
    (tmp_path / "other").write_text("mine")
    for name in ("model.pt", "model.pt.part"):
        (tmp_path / name).symlink_to(tmp_path / "other")
    validate(BestModel(network, tmp_path / "model.pt"), 20.0, 1)
    assert (tmp_path / "other").read_text() == "mine" and kept(tmp_path / "model.pt") == 1
