"""A signal ends the work wherever it comes."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

IN_A_DESTRUCTOR = """
import os, signal, sys, time
from monai_unsup_denoise.process import interruptible

class Resource:
    def __del__(self):
        os.kill(os.getpid(), {number})
        time.sleep(0.01)

try:
    with interruptible():
        Resource()
        time.sleep(30)
except KeyboardInterrupt as stop:
    assert sys.unraisablehook is sys.__unraisablehook__
    print("stopped", stop)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_that_comes_in_a_destructor_is_not_lost(number: signal.Signals) -> None:
    code = IN_A_DESTRUCTOR.format(number=int(number))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    expected = "stopped SIGTERM\n" if number == signal.SIGTERM else "stopped \n"
    assert (done.stdout, done.stderr) == (expected, "")
