"""The spool: what it keeps, what it refuses, and what it knows after a crash."""

import os
import time
from pathlib import Path

import pytest

from monai_unsup_denoise.dicom_node.dead_letters import retry
from monai_unsup_denoise.dicom_node.spool import FullError, Spool, hashed
from monai_unsup_denoise.errors import InputError

LIMITS = {"max_series": 3, "max_bytes": 1e6, "min_free_bytes": 0}


@pytest.fixture
def spool(tmp_path: Path):
    spool = Spool(tmp_path / "spool", **LIMITS)
    yield spool
    spool.close()


def store(spool: Spool, instance: str, series: str = "1.2", study: str = "1", content: bytes = b"image") -> bool:
    arrived = spool / "partial" / "arrived.dcm"
    arrived.write_bytes(content)
    return spool.store(arrived, study=study, series=series, instance=instance)


def names(job: Path) -> set[str]:
    return {path.stem for path in (job / "source").iterdir()}


def test_a_series_that_is_complete_is_one_job(spool):
    for instance in ("1.2.1", "1.2.2"):
        assert store(spool, instance)
    (job,) = spool.take(hashed("1"))
    assert job.parent == spool / "waiting" and names(job) == {hashed("1.2.1"), hashed("1.2.2")}
    assert spool.studies() == []


def test_an_instance_that_comes_again_is_not_kept_twice(spool):
    assert store(spool, "1.2.1")
    assert not store(spool, "1.2.1")
    spool.take(hashed("1"))
    assert not store(spool, "1.2.1")
    assert spool.studies() == [] and spool.take(hashed("1")) == []


def test_what_was_taken_is_known_after_a_restart(spool, tmp_path):
    store(spool, "1.2.1")
    spool.take(hashed("1"))
    spool.close()
    again = Spool(tmp_path / "spool", **LIMITS)
    assert not store(again, "1.2.1")
    again.close()


def test_a_crash_between_journal_and_rename_makes_one_job(spool, monkeypatch):
    store(spool, "1.2.1")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):

        def killed(*arguments):
            raise KeyboardInterrupt

        patch.setattr(os, "rename", killed)
        spool.take(hashed("1"))
    assert not store(spool, "1.2.1")  # known, and still here
    (job,) = spool.take(hashed("1"))
    assert names(job) == {hashed("1.2.1")} and not (job / "reason.txt").exists()


def test_late_instances_are_no_series_of_their_own(spool):
    store(spool, "1.2.1")
    spool.take(hashed("1"))
    assert store(spool, "1.2.2")
    (job,) = spool.take(hashed("1"))
    assert "came after" in (job / "reason.txt").read_text() and names(job) == {hashed("1.2.2")}


def test_a_full_queue_refuses_new_series_only(spool):
    for number in range(3):
        store(spool, f"1.{number}.1", series=f"1.{number}")
    with pytest.raises(FullError, match="queue"):
        store(spool, "1.9.1", series="1.9")
    assert spool.why_full() == "queue"
    assert store(spool, "1.0.2", series="1.0")


def test_each_byte_counts_with_that_of_its_result(spool):
    assert store(spool, "1.2.1", content=bytes(300_000))
    assert store(spool, "1.2.2", content=bytes(190_000))
    assert 980_000 <= spool.measure() < 990_000
    with pytest.raises(FullError, match="spool"):
        store(spool, "1.2.3", content=bytes(20_000))
    (spool / "partial" / "arrived.dcm").unlink()
    spool.remove(spool.take(hashed("1"))[0])
    assert spool.measure() < 1000 and not spool.why_full()


def test_a_disk_without_room_refuses(tmp_path):
    spool = Spool(tmp_path / "spool", max_series=3, max_bytes=1e6, min_free_bytes=1e18)
    with pytest.raises(FullError, match="disk"):
        store(spool, "1.2.1")
    assert list((spool / "receiving").iterdir()) == []
    spool.close()


def test_a_second_node_cannot_have_the_spool(spool, tmp_path):
    with pytest.raises(InputError, match="another node uses this spool"):
        Spool(tmp_path / "spool", **LIMITS)


def test_names_in_headers_decide_no_path(spool, tmp_path):
    store(spool, "../../evil", series="/etc/passwd", study="..\x00")
    assert {path.name for path in tmp_path.iterdir()} == {"spool"}
    assert len(spool.take(hashed("..\x00"))) == 1


def test_nobody_else_can_read_the_spool(spool):
    assert (spool.folder.stat().st_mode & 0o777) == 0o700


def test_old_instances_are_forgotten(spool):
    store(spool, "1.2.1")
    spool.take(hashed("1"))
    old = time.time() - 10 * 86400
    os.utime(spool / "accepted" / hashed("1.2"), (old, old))
    spool.forget(11)
    assert not store(spool, "1.2.1")
    spool.forget(9)
    assert store(spool, "1.2.1")


def test_dead_letters_go_back_to_where_they_failed(spool):
    for name in ("denoised", "refused", "late"):
        (spool / "dead" / name / "source").mkdir(parents=True)
        (spool / "dead" / name / "reason.txt").write_text("why\n")
    (spool / "dead" / "denoised" / "denoised").mkdir()
    (spool / "dead" / "late" / "late").touch()
    late = "late: stays, its instances came late"
    assert [*retry(spool.folder)] == ["denoised: will be sent again", late, "refused: will be denoised again"]
    assert [job.name for job in spool.jobs("outgoing")] == ["denoised"]
    assert [job.name for job in spool.jobs("waiting")] == ["refused"]
    assert [job.name for job in spool.jobs("dead")] == ["late"]
    assert not (spool / "waiting" / "refused" / "reason.txt").exists()
