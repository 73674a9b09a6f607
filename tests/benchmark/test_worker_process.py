"""A method in a process of its own: whatever it does there, the benchmark gets a result or one clause."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.worker_process import MethodError, MethodProcess

RESOLUTION = 0.99  # the kernel counts resident pages in batches


@pytest.fixture
def noisy() -> np.ndarray:
    return np.random.default_rng(0).uniform(size=(12, 11, 13)).astype(np.float32)


@pytest.fixture
def make_own(make, tmp_path, monkeypatch):
    """Prepare the class `Own` with this body of `__call__(self, noisy, sigma)`."""

    def make_one(body: str, head: str = "") -> ResolvedMethod:
        lines = [
            "class Own:",
            "    def __call__(self, noisy, sigma):",
            *(f"        {line}" for line in body.split("; ")),
        ]
        (tmp_path / "own.py").write_text("\n".join([head, *lines]))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
        return make("own.Own")

    return make_one


def has_ended(pid: int) -> bool:
    """Whether a process is gone in a while; one that nobody waits for may stay behind as a zombie."""
    for _ in range(100):
        status = Path("/proc", str(pid), "stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return True
        time.sleep(0.02)
    return False


def reason(process: MethodProcess, noisy: np.ndarray, sigma: float | None = 0.15) -> str:
    with pytest.raises(MethodError) as caught:
        process.denoise(noisy, sigma)
    return str(caught.value)


def test_the_array_goes_there_and_comes_back(make, noisy):
    with MethodProcess(make("Shrink", parameters={"factor": 0.5})) as process:
        result = process.denoise(noisy, None)
    np.testing.assert_array_equal(result.volume, noisy * np.float32(0.5))
    assert result.volume.dtype == np.float32 and result.estimated_sigma is None


def test_the_sigma_that_a_method_finds_is_told(make, noisy):
    with MethodProcess(make("FindSigma")) as process:
        assert process.denoise(noisy, 0.2).estimated_sigma == pytest.approx(0.22)


def test_one_process_serves_all_calls_of_a_method(make, noisy, tmp_path):
    with MethodProcess(make("Sleep", parameters={"seconds": 0, "mark": str(tmp_path / "pid")})) as process:
        pids = {process.denoise(noisy, None) and (tmp_path / "pid").read_text() for _ in range(2)}
    assert len(pids) == 1 and pids != {str(os.getpid())}


def test_the_seconds_are_those_of_the_call(make, noisy):
    with MethodProcess(make("Sleep", parameters={"seconds": 0.3})) as process:
        assert process.denoise(noisy, None).seconds == pytest.approx(0.3, abs=0.15)


def test_what_a_method_prints_does_not_disturb_the_conversation(make, noisy):
    with MethodProcess(make("Talk")) as process:
        for _ in range(2):
            np.testing.assert_array_equal(process.denoise(noisy, None).volume, noisy)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, where the peak memory can be reset before a call")
def test_the_peak_is_the_memory_of_the_call_alone(make, noisy):
    with MethodProcess(make("Memory", parameters={"mib": 200})) as process:
        peaks = [process.denoise(noisy, None).peak_mib for _ in range(2)]
    assert all(RESOLUTION * 200 <= peak < 300 for peak in peaks), peaks
    with MethodProcess(make("Shrink")) as process:
        assert process.denoise(noisy, None).peak_mib < 20


def test_the_peak_forgets_the_calls_before(make_own, noisy):
    """A large call, then a small one, in one process."""
    prepared = make_own(
        "return Memory(sizes.pop(0))(noisy, sigma)", "from toy_methods import Memory\nsizes = [200, 20]"
    )
    with MethodProcess(prepared) as process:
        large, small = (process.denoise(noisy, None).peak_mib for _ in range(2))
    assert large >= RESOLUTION * 200 and RESOLUTION * 20 <= small < 60, (large, small)


def test_an_exception_is_the_reason_and_the_next_call_goes_on(make, noisy):
    with MethodProcess(make("Raise")) as process:
        assert reason(process, noisy) == "ArithmeticError: too noisy"
        assert process.denoise(noisy, 0.05).volume.shape == noisy.shape


def test_a_crash_is_told_with_the_last_line_and_the_next_call_goes_on(make, noisy):
    with MethodProcess(make("Crash")) as process:
        process.denoise(noisy, 0.05)
        assert reason(process, noisy) == "its process ended with exit code 3: segment 7 is at fault"
        assert process.denoise(noisy, 0.05).volume.shape == noisy.shape


def test_a_killed_method_is_told_by_the_signal(make, noisy):
    with MethodProcess(make("Killed")) as process:
        assert reason(process, noisy).startswith("killed by SIGKILL (perhaps for want of memory)")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("WrongShape", "ValueError: gave an array of shape (11, 11, 13) for one of (12, 11, 13)"),
        ("NotNumbers", "ValueError: gave voxels that are NaN or infinite"),
        ("Absent", "AttributeError: module 'toy_methods' has no attribute 'Absent'"),
    ],
)
def test_what_is_no_result_is_a_failure(target, expected, make, noisy):
    with MethodProcess(make(target)) as process:
        assert reason(process, noisy) == expected


def test_a_method_that_cannot_be_made_is_tried_once(make, noisy, tmp_path):
    with MethodProcess(make("Unbuildable", parameters={"log": str(tmp_path / "log")})) as process:
        assert [reason(process, noisy) for _ in range(3)] == ["OSError: no licence"] * 3
    assert (tmp_path / "log").read_text() == "tried\n"


def test_libraries_are_told_how_many_threads_to_use(make_own, noisy):
    numbers = "int(os.environ['OMP_NUM_THREADS']) * int(os.environ['ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS'])"
    with MethodProcess(make_own(f"return 0 * noisy + {numbers}", "import os"), threads=3) as process:
        assert process.denoise(noisy, None).volume.max() == 9


def test_what_a_library_leaves_behind_is_not_left_in_the_users_folder(make_own, noisy, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with MethodProcess(make_own("open('lightning.log', 'w'); return noisy")) as process:
        process.denoise(noisy, None)
    assert not list((tmp_path / "here").iterdir())


def test_the_process_ends_when_the_benchmark_is_interrupted_in_a_call(make, noisy, tmp_path):
    mark = tmp_path / "pid"

    def interrupt() -> None:
        while not (mark.exists() and mark.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        with MethodProcess(make("Sleep", parameters={"seconds": 60, "mark": str(mark)})) as process:
            process.denoise(noisy, None)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, where a process can be told that its parent died")
def test_a_call_ends_when_the_benchmark_is_killed(tmp_path, repository):
    mark = tmp_path / "pid"
    script = (
        "import numpy as np\n"
        "from monai_unsup_denoise.benchmark.methods import DenoisingMethod, ResolvedMethod\n"
        "from monai_unsup_denoise.benchmark.worker_process import MethodProcess\n"
        f"parameters = {{'seconds': 60, 'mark': {str(mark)!r}}}\n"
        "prepared = ResolvedMethod(DenoisingMethod('s', 'S', 'toy_methods.Sleep'), parameters=parameters)\n"
        "with MethodProcess(prepared) as process:\n    process.denoise(np.ones((2, 2, 2), np.float32), None)\n"
    )
    benchmark = subprocess.Popen([sys.executable, "-c", script], cwd=repository)
    while not (mark.exists() and mark.read_text()):
        time.sleep(0.02)
    benchmark.kill()
    benchmark.wait()
    assert has_ended(int(mark.read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux, whose /proc says which processes live")
def test_what_a_method_started_ends_with_it(make_own, noisy):
    prepared = make_own("return 0 * noisy + Popen(['sleep', '60']).pid", "from subprocess import Popen")
    with MethodProcess(prepared) as process:
        pid = int(process.denoise(noisy, None).volume[0, 0, 0])
        os.kill(pid, 0)
    assert has_ended(pid)


def test_ctrl_c_of_the_terminal_reaches_the_benchmark_alone(make_own, noisy):
    with MethodProcess(make_own("return 0 * noisy + os.getsid(0) % 1000", "import os")) as process:
        assert process.denoise(noisy, None).volume.max() != os.getsid(0) % 1000


def test_the_worker_needs_the_standard_library_and_numpy_alone(repository):
    script = (
        "import sys; import monai_unsup_denoise.benchmark.worker; "
        "print(sorted({'torch', 'monai', 'scipy', 'pandas', 'skimage', 'typer', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=repository, check=True)
    assert done.stdout == "[]\n"


def test_another_interpreter_sees_our_package_but_not_what_is_installed_beside_it(make_own, noisy, tmp_path):
    """The folder of an installed package holds all others of this interpreter, too."""
    prepared = make_own(
        "return 0 * noisy + (str(Path(package.__file__).resolve().parents[1]) in sys.path)",
        "import sys\nfrom pathlib import Path\nimport monai_unsup_denoise as package",
    )
    (tmp_path / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "python").chmod(0o755)
    for python, expected in ((prepared.python, 1), (tmp_path / "python", 0)):
        with MethodProcess(replace(prepared, python=python)) as process:
            assert process.denoise(noisy, None).volume.max() == expected
