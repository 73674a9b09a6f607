"""A fault of one series, or a signal, costs no other series and puts no name into the log."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydicom.errors import BytesLengthException

from monai_unsup_denoise.errors import InputError
from tests_apps.deploy.conftest import APP, run_app
from tests_apps.deploy.studies import StudyFiles, noisy_head

PATIENT = "DOE^JOHN"


@pytest.fixture
def outcome(monkeypatch):
    """The module of the app."""
    monkeypatch.syspath_prepend(str(APP))
    import outcome

    return outcome


class Series:
    number = 4


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (BytesLengthException(f"Instead received b'{PATIENT}' with length 9"), "BytesLengthException"),
        (RuntimeError(f"[enforce fail] {PATIENT}"), "RuntimeError"),
        (MemoryError(), "MemoryError"),
        (InputError(f"cannot be read (KeyError: '{PATIENT}'); copy it again"), "'...'"),
        (InputError(f"/gone/{PATIENT}: 1: is empty; copy it again"), "is empty; copy it again"),
        (InputError(f'a: cannot be written (b"{PATIENT}" is no number)'), "cannot be written (... is no number)"),
    ],
    ids=["pydicom", "framework", "memory", "quoted value", "file that is gone", "quoted bytes"],
)
def test_any_error_is_an_outcome_without_a_name(outcome, caplog, error, reason):
    outcomes = outcome.Outcome()
    with outcomes.of(Series()):
        raise error
    assert outcomes.failed == 1
    assert PATIENT not in caplog.text and "series 4 cannot be denoised: " in caplog.text
    assert reason.replace("'...'", "...") in caplog.text


def test_error_behind_another_keeps_its_reason(outcome):
    error = RuntimeError("GXF_FAILURE")
    error.__cause__ = InputError("scan: no magnitude image")
    assert outcome.reason_of(error) == "no magnitude image"


@pytest.mark.parametrize("name", ["a: b.dcm", "DOE^JOHN 1970", "x: y: z"])
def test_name_with_a_colon_is_cut_from_the_reason(outcome, tmp_path, name):
    path = tmp_path / "in: DOE^JOHN 1970" / name
    path.parent.mkdir()
    path.touch()
    assert outcome.reason_of(InputError(f"{path}: is empty (0 bytes: none); remove it")) == (
        "is empty (0 bytes: none); remove it"
    )


DAMAGE = {
    "empty": lambda whole: b"",
    "cut in the header": lambda whole: whole[:400],
    "cut in the pixels": lambda whole: whole[:-500],
    "zeros": lambda whole: b"\0" * len(whole),
    "no image": lambda whole: b"not an image" * 40,
}


def test_damaged_files_stop_no_other_series(tmp_path):
    study = tmp_path / f"in: {PATIENT} 1970"
    study.mkdir()
    for number, (kind, damage) in enumerate(DAMAGE.items(), 2):
        files = StudyFiles(study / kind)
        files.add_images(noisy_head((4, 32, 32), number), number)
        victim = sorted(files.folder.iterdir())[2]
        victim.write_bytes(damage(victim.read_bytes()))
        victim.rename(files.folder / f"{PATIENT}: 3.dcm")
    StudyFiles(study / "good").add_images(noisy_head((6, 32, 44), 9), 9)
    run = run_app("-i", study, "-o", tmp_path / "out")
    assert run.code == 1, run.log
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["series-9"]
    assert "series 9: denoised, 6 slices" in run.log and "Traceback" not in run.log
    assert all(f"series {number} cannot be denoised: " in run.log for number in range(2, 2 + len(DAMAGE))), run.log
    names = ("DOE", "1970", ".dcm", "IM0", str(tmp_path), *(f"/{kind}" for kind in DAMAGE))
    assert not [name for name in names if name in run.log], run.log


def test_output_that_exists_stops_no_other_series(tmp_path):
    files = StudyFiles(tmp_path / "study")
    files.add_images(noisy_head((4, 32, 32), 1), 3)
    files.add_images(noisy_head((4, 32, 32), 2), 7)
    (tmp_path / "out" / "series-3").mkdir(parents=True)
    (tmp_path / "out" / "series-3" / "notes.txt").write_text("mine")
    run = run_app("-i", files.folder, "-o", tmp_path / "out")
    assert run.code == 1 and "series 3 cannot be denoised: holds other files" in run.log, run.log
    assert [path.name for path in (tmp_path / "out" / "series-3").iterdir()] == ["notes.txt"]
    assert len(list((tmp_path / "out" / "series-7").iterdir())) == 4


def test_modality_that_is_free_text_is_not_logged(tmp_path):
    files = StudyFiles(tmp_path / "study")
    files.add_images(noisy_head((4, 32, 32), 1), 3, modality=PATIENT)
    files.add_images(noisy_head((4, 32, 32), 2), 7)
    run = run_app("-i", files.folder, "-o", tmp_path / "out")
    assert run.code == 0 and "series 3: skipped, another modality, not MR" in run.log, run.log
    assert PATIENT not in run.log


def test_error_names_the_input_folder_as_such(tmp_path):
    (tmp_path / PATIENT).mkdir()
    run = run_app("-i", tmp_path / PATIENT, "-o", tmp_path / "out")
    assert run.code == 1 and "error: the input folder: no MR series" in run.log
    assert PATIENT not in run.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_while_writing_leaves_whole_series(tmp_path, number):
    files = StudyFiles(tmp_path / "study")
    files.add_images(noisy_head((100, 32, 32), 1), 3)
    files.add_images(noisy_head((100, 32, 32), 2), 7)
    out = tmp_path / "out"
    log = (tmp_path / "log").open("wb")
    app = subprocess.Popen([sys.executable, APP / "app.py", "-i", files.folder, "-o", out], stdout=log, stderr=log)
    end = time.monotonic() + 120
    while not list(out.glob(".partial_*/**/IM0002.dcm")):
        assert app.poll() is None and time.monotonic() < end, Path(log.name).read_text()
        time.sleep(0.002)
    app.send_signal(number)
    assert app.wait(30) == 128 + number
    assert [path.name for path in out.iterdir()] == ["series-3"]
    assert len(list((out / "series-3").iterdir())) == 100
