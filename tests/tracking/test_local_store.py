"""The database of runs without a server: made whole, by one process at a time, where it belongs."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.tracking.server import database_path, open_store
from tests.tracking.conftest import training

HOLD = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]).acquire(5); print('holds', flush=True); input()"


def test_runs_and_artifacts_lie_in_a_folder_of_any_name(make_tracker, client, store, tmp_path):
    assert "#" in str(database_path(store))
    tracker = make_tracker(experiment_name="any", weights=lambda: tmp_path / "model.pt")
    (tmp_path / "model.pt").touch()
    tracker_folder = database_path(store).parent
    trainer = training()
    tracker.attach(trainer)
    trainer.run(range(1))
    assert [file.path for file in client.list_artifacts(tracker.run_id)] == ["model.pt"]
    assert list(tracker_folder.glob(f"mlruns/**/{tracker.run_id}/artifacts/model.pt"))


class SmallStore:
    """MLflow's client as far as it is used here; a real database takes seconds."""

    said: list[str] = []
    fails = False

    def __init__(self, uri: str) -> None:
        Path(unquote(uri.removeprefix("sqlite:///"))).write_text("tables")
        SmallStore.said.append("written")
        if self.fails:
            raise OSError(28, "No space left on device")

    def search_experiments(self, **_: object) -> None:
        pass


@pytest.fixture
def small_store(monkeypatch) -> type[SmallStore]:
    monkeypatch.setattr("monai_unsup_denoise.tracking.server.MlflowClient", SmallStore)
    monkeypatch.setattr(SmallStore, "said", [])
    return SmallStore


def test_database_waits_for_the_process_that_makes_it(small_store, tmp_path):
    command = [sys.executable, "-c", HOLD, tmp_path / "mlruns.db.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "holds\n"

        def die():
            small_store.said.append("other ends")
            other.kill()

        threading.Timer(0.3, die).start()
        open_store(f"sqlite:///{tmp_path}/mlruns.db")
    assert small_store.said == ["other ends", "written", "written"]


def test_database_that_cannot_be_made_leaves_nothing(small_store, tmp_path, monkeypatch):
    monkeypatch.setattr(small_store, "fails", True)
    with pytest.raises(InputError, match=r"cannot be opened \(.*No space left on device\); make room"):
        open_store(f"sqlite:///{tmp_path}/mlruns.db")
    assert {path.name for path in tmp_path.iterdir()} <= {"mlruns.db.lock"}


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + bytes(84)], ids=["text", "cut"])
def test_damaged_database_is_an_error_of_one_line(tmp_path, content):
    (tmp_path / "mlruns.db").write_bytes(content)
    with pytest.raises(InputError, match=r"mlruns\.db: the database cannot be opened") as caught:
        open_store(f"sqlite:///{tmp_path}/mlruns.db")
    assert "\n" not in str(caught.value)
