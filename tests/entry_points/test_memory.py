"""A scan takes the memory that is asked for before the work, and not much less."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from monai_unsup_denoise.inference import Denoiser

SHAPE = (128, 128, 96)
PEAK = """
import sys
import numpy as np
from monai_unsup_denoise.inference import Denoiser

def mib(field):
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith(field))

denoiser = Denoiser.from_bundle(device="cpu")
before = mib("VmRSS")
volume = denoiser.wrap(np.random.default_rng(0).normal(20, 1, [int(side) for side in sys.argv[1:]]))
denoiser.denoise_image(volume)
print(mib("VmHWM") - before)
"""

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from Linux's /proc")
def test_peak_of_memory_is_what_is_asked_for() -> None:
    words = [sys.executable, "-c", PEAK, *map(str, SHAPE)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    peak = float(done.stdout.splitlines()[-1]) * 2**20
    needed = Denoiser.from_bundle(device="cpu").inferer.bytes_needed(SHAPE)
    assert 0.7 * needed < peak < needed
