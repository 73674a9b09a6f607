"""The precision in which a device trains fastest."""

from __future__ import annotations

import torch


def autocast_dtype(device: torch.device | str) -> torch.dtype | None:
    """bfloat16 where ``device`` computes in it, else None for float32.

    A CPU without AVX-512 emulates bfloat16, which is far slower than float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    return torch.bfloat16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else None
