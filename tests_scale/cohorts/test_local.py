"""`--dask local`: a cluster of the command's own, which ends with it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from monai_unsup_denoise.dask_workers import DaskWorkers
from tests.cli.conftest import Outcome
from tests_scale.cohorts.conftest import COMMAND, WAIT, contents, lines, wait_until, write_scans
from tests_scale.cohorts.toy_calls import act

SCHEDULER_SAYS = """
import logging
from monai_unsup_denoise.dask_workers import DaskWorkers
from tests_scale.cohorts.toy_calls import act

if __name__ == "__main__":
    with DaskWorkers(act, address="local", processes=1, threads=1):
        logging.getLogger("distributed.scheduler").critical("Closed comm while trying to write")
"""


def test_local_cluster_is_a_single_process(
    tmp_path: Path, smoothing: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    scans = write_scans(tmp_path / "in", 4)
    words = ("denoise", scans, "--model", smoothing, "--threads", 1)
    folders = tmp_path / "one", tmp_path / "many"
    one = mri_denoise(*words[:2], folders[0], *words[2:])
    many = mri_denoise(*words[:2], folders[1], *words[2:], "--dask", "local", "--jobs", 2)
    assert contents(folders[0]) == contents(folders[1]) and len(contents(folders[0])) == 8
    assert lines(one, folders[0]) == lines(many, folders[1])
    left = [" ".join(process.cmdline()) for process in psutil.Process().children(recursive=True)]
    assert not [words for words in left if "resource_tracker" not in words]  # which Python keeps to its own end


def test_other_users_find_no_pages_of_it(capfd: pytest.CaptureFixture[str]) -> None:
    with DaskWorkers(act, address="local", processes=1, threads=1) as workers:
        assert next(workers.outcomes([1], is_done=bool))[1].result() == "1"
        tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [one.laddr for process in tree for one in process.net_connections() if one.status == "LISTEN"]
        assert listening and {address.ip for address in listening} == {"127.0.0.1"}
        for address in listening:
            with pytest.raises((OSError, http.client.HTTPException)):
                urllib.request.urlopen(f"http://127.0.0.1:{address.port}/info/main/workers.html", timeout=5)
    assert capfd.readouterr().err == ""


def test_what_the_scheduler_logs_is_not_shown(tmp_path: Path, repository: Path) -> None:
    """As at an interruption, when now and then it finds the client gone, and logs a traceback."""
    (tmp_path / "run.py").write_text(SCHEDULER_SAYS)
    environment = os.environ | {"PYTHONPATH": str(repository)}
    done = subprocess.run([sys.executable, tmp_path / "run.py"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_interrupted_command_leaves_no_process(tmp_path: Path, identity: Path) -> None:
    out = tmp_path / "out"
    scans = write_scans(tmp_path / "in", 40)
    words = ["denoise", scans, out, "--model", identity, "--threads", 1, "--dask", "local", "--jobs", 2]
    with (
        (tmp_path / "said").open("w") as file,
        subprocess.Popen([*COMMAND, *map(str, words)], stdout=file, stderr=file) as process,
    ):
        wait_until(lambda: len(list(out.glob("*.json"))) > 1)
        started = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT) == 130
    assert len(started) >= 2 and not psutil.wait_procs(started, timeout=10)[1]
    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said and len(list(out.glob("*.json"))) < 40, said
