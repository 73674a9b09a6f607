"""One call of a method in a process of its own: whatever happens there, the result is a volume or one clause."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from monai_unsup_denoise.benchmark.worker import MethodError, run_method

RESOLUTION = 0.99  # the kernel counts resident pages in batches


def on_linux(what: str) -> pytest.MarkDecorator:
    """Skip a test where the system is not Linux, which has ``what``."""
    return pytest.mark.skipif(sys.platform != "linux", reason=f"needs {what} of Linux")


@pytest.fixture
def noisy() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(12, 11, 13)).astype(np.float32)


@pytest.fixture
def write_method(tmp_path, monkeypatch):
    """Write a class with this body of `__call__(self, noisy, sigma)`; returns its dotted path."""

    def write(body: str, head: str = "") -> str:
        (tmp_path / "own.py").write_text(f"{head}\nclass Own:\n    def __call__(self, noisy, sigma):\n        {body}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        return "own.Own"

    return write


def has_ended(pid: int) -> bool:
    """Whether a process is gone in a while; one that nobody waits for may stay behind as a zombie."""
    for _ in range(100):
        status = Path("/proc", str(pid), "stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return True
        time.sleep(0.02)
    return False


def reason(target: str, noisy: np.ndarray, sigma: float | None = 0.15, **parameters: object) -> str:
    with pytest.raises(MethodError) as caught:
        run_method(target, parameters, noisy, sigma)
    return str(caught.value)


def test_result_is_the_volume_and_the_estimated_sigma(noisy):
    result = run_method("toy_methods.Shrink", {"factor": 0.5}, noisy, None)
    np.testing.assert_array_equal(result.volume, noisy * np.float32(0.5))
    assert result.volume.dtype == np.float32 and result.estimated_sigma is None
    assert run_method("toy_methods.FindSigma", {}, noisy, 0.2).estimated_sigma == pytest.approx(0.22)


def test_seconds_are_those_of_the_call(noisy):
    result = run_method("toy_methods.Sleep", {"seconds": 0.3}, noisy, None)
    assert result.seconds == pytest.approx(0.3, abs=0.15)


def test_method_may_print_and_read(noisy, capfd):
    np.testing.assert_array_equal(run_method("toy_methods.Talk", {}, noisy, None).volume, noisy)
    assert capfd.readouterr() == ("", "")


@on_linux("/proc/self/clear_refs, which resets the peak memory,")
def test_peak_is_the_memory_of_the_call(noisy, write_method):
    peak = run_method("toy_methods.Memory", {"mib": 200}, noisy, None).peak_mib
    assert RESOLUTION * 200 <= peak < 300
    head = "import numpy as np\nnp.ones((200, 2**20), dtype=np.uint8)"  # freed before the call
    assert run_method(write_method("return noisy", head), {}, noisy, None).peak_mib < 20


def test_exception_is_the_reason(noisy):
    assert reason("toy_methods.Raise", noisy) == "ArithmeticError: too noisy"


def test_crash_is_told_by_exit_code_and_last_line(noisy):
    assert reason("toy_methods.Crash", noisy) == "its process ended with exit code 3: segment 7 is at fault"


def test_killed_method_is_told_by_the_signal(noisy):
    assert reason("toy_methods.Killed", noisy).startswith("killed by SIGKILL (perhaps out of memory)")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("WrongShape", "ValueError: gave an array of shape (11, 11, 13) for one of (12, 11, 13)"),
        ("NotNumbers", "ValueError: gave voxels that are NaN or infinite"),
        ("Absent", "AttributeError: module 'toy_methods' has no attribute 'Absent'"),
    ],
)
def test_invalid_result_is_a_failure(target, expected, noisy):
    assert reason(f"toy_methods.{target}", noisy) == expected


def test_reason_names_weights_without_their_folder(noisy, write_method):
    write_method("return noisy", "def Weights(model):\n    raise OSError(f'{model} is damaged')\n")
    assert reason("own.Weights", noisy, model="/patients/anna/model.pt") == "OSError: model.pt is damaged"


def test_libraries_get_the_number_of_threads(noisy, write_method):
    numbers = "int(os.environ['OMP_NUM_THREADS']) * int(os.environ['ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS'])"
    target = write_method(f"return 0 * noisy + {numbers}", "import os")
    assert run_method(target, {}, noisy, None, threads=3).volume.max() == 9


def test_files_of_a_library_are_removed(noisy, write_method, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run_method(write_method("open('lightning.log', 'w'); return noisy"), {}, noisy, None)
    assert not list((tmp_path / "here").iterdir())


def test_process_ends_when_the_benchmark_is_interrupted(noisy, tmp_path):
    mark = tmp_path / "pid"

    def interrupt() -> None:
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_method("toy_methods.Sleep", {"seconds": 60, "mark": str(mark)}, noisy, None)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


@on_linux("PR_SET_PDEATHSIG, which ends a process with its parent,")
def test_process_ends_when_the_benchmark_is_killed(tmp_path, repository):
    mark = tmp_path / "pid"
    script = (
        "import numpy as np\n"
        "from monai_unsup_denoise.benchmark.worker import run_method\n"
        f"parameters = {{'seconds': 60, 'mark': {str(mark)!r}}}\n"
        "run_method('toy_methods.Sleep', parameters, np.ones((2, 2, 2), np.float32), None)\n"
    )
    benchmark = subprocess.Popen([sys.executable, "-c", script], cwd=repository)
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.02)
    benchmark.kill()
    benchmark.wait()
    assert has_ended(int(mark.read_text()))


@on_linux("/proc, which says whether a process has ended,")
def test_children_of_a_method_end_with_it(noisy, write_method, tmp_path):
    body = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(Popen(['sleep', '60']).pid)); return noisy"
    run_method(write_method(body, "from subprocess import Popen"), {}, noisy, None)
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_ctrl_c_of_the_terminal_reaches_the_benchmark_only(noisy, write_method, tmp_path):
    """The terminal signals a session; the method has its own."""
    body = f"open({str(tmp_path / 'session')!r}, 'w').write(str(os.getsid(0))); return noisy"
    run_method(write_method(body, "import os"), {}, noisy, None)
    assert int((tmp_path / "session").read_text()) != os.getsid(0)


def test_worker_needs_the_standard_library_and_numpy_only(repository):
    script = (
        "import sys; import monai_unsup_denoise.benchmark.worker; "
        "print(sorted({'torch', 'monai', 'scipy', 'pandas', 'skimage', 'typer', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout == "[]\n"


def test_other_interpreter_gets_our_package_only(noisy, write_method, tmp_path):
    """The folder of an installed package has all others of its environment, too."""
    target = write_method(
        "return 0 * noisy + (str(Path(package.__file__).resolve().parents[1]) in sys.path)",
        "import sys\nfrom pathlib import Path\nimport monai_unsup_denoise as package",
    )
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python").chmod(0o755)
    for python, expected in ((Path(sys.executable), 1), (tmp_path / "python", 0)):
        assert run_method(target, {}, noisy, None, python=python).volume.max() == expected
