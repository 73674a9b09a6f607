"""How much memory a scan takes, and whether it is there."""

from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import torch

from monai_unsup_denoise.errors import InputError

_TILE = 2**22  # voxels that are computed at a time in bfloat16 on a CPU
_BYTES_OF_TILE = 115  # for each voxel of a tile and byte of a feature, with the bundled network
_BYTES_OF_SCAN = 44  # for each voxel of the scan: inputs, outputs and what lies between, in float32
_BYTES_ONCE = 125_000_000  # for what the libraries keep, whatever the scan; it differs by 15 MB from run to run
_SHARE_OF_GPU = 0.5


def largest_tile(device: torch.device, dtype: torch.dtype | None) -> int:
    """Voxels that the bundled network computes at a time: on a CPU in 1 GB; on a GPU in half of its memory.

    It does not depend on the memory that is free now, so that results are the same from run to run.

    Args:
        device: of the network.
        dtype: of the features; None for float32.
    """
    size = (dtype or torch.float32).itemsize
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        return int(_SHARE_OF_GPU * total) // (_BYTES_OF_TILE * size)
    return _TILE * torch.bfloat16.itemsize // size


def bytes_needed(voxels: int, tile: int, dtype: torch.dtype | None) -> int:
    """Memory for a scan, beyond what the program takes at rest, in tiles of up to ``tile`` voxels."""
    of_tile = _BYTES_OF_TILE * (dtype or torch.float32).itemsize
    return _BYTES_ONCE + _BYTES_OF_SCAN * voxels + of_tile * min(tile, voxels)


def check_memory(needed: int, scan: str) -> None:
    """Say before the work that it would not fit into the main memory.

    Raises:
        InputError: naming ``scan``, if less than ``needed`` bytes are free, also by the limit of a container.
    """
    free = free_memory()
    if needed > free:
        raise InputError(
            f"{scan}: denoising takes {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; "
            "end other programs, take fewer --jobs, or crop the scan"
        )


def free_memory() -> int:
    """Bytes of main memory that a program can still get; on Linux within the limit of its control group."""
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError, IndexError):  # no limit, or no such groups (they are of version 2)
        group = _control_group()
        used = int((group / "memory.current").read_text())
        cached = next(
            int(line.split()[1]) for line in (group / "memory.stat").open() if line.startswith("inactive_file")
        )
        free = min(free, int((group / "memory.max").read_text()) - used + cached)
    return free


def _control_group() -> Path:
    return Path("/sys/fs/cgroup", Path("/proc/self/cgroup").read_text().split("::")[1].strip().lstrip("/"))
