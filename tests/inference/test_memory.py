"""What a scan needs is known before the work, and is refused where it is not there."""

import re

import numpy as np
import psutil
import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser, memory


def test_tile_takes_the_same_memory_in_both_precisions():
    half, full = (memory.largest_tile(torch.device("cpu"), dtype) for dtype in (torch.bfloat16, None))
    assert (half, full) == (2**22, 2**21)
    needed = [memory.bytes_needed(10**8, tile, dtype) for tile, dtype in ((half, torch.bfloat16), (full, None))]
    assert needed[0] == needed[1]


def test_free_memory_is_less_than_there_is():
    assert 0 < memory.free_memory() < psutil.virtual_memory().total


def test_limit_of_a_control_group_counts(tmp_path, monkeypatch):
    for name, text in {
        "memory.current": "900",
        "memory.max": "1000",
        "memory.stat": "anon 7\ninactive_file 50\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "_control_group", lambda: tmp_path)
    assert memory.free_memory() == 1000 - 900 + 50
    (tmp_path / "memory.max").write_text("max")
    assert memory.free_memory() > 1000


def test_scan_beyond_the_memory_is_refused_before_the_work(monkeypatch):
    denoiser = Denoiser.from_bundle(device="cpu")
    monkeypatch.setattr(denoiser.inferer, "bytes_needed", lambda shape: 10**15)
    message = "the volume (20 x 30 x 40 voxels): denoising takes 1000000.0 GB of memory, and "
    with pytest.raises(InputError, match=re.escape(message)):
        denoiser.wrap(np.ones((20, 30, 40), dtype=np.float32))
