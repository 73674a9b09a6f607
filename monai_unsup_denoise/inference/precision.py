"""In which precision, and with which memory layout, a network computes fastest."""

import torch
from torch import nn


def autocast_dtype(device: torch.device | str) -> torch.dtype | None:
    """The dtype in which ``device`` computes fastest: bfloat16, or None for float32.

    A CPU without AVX-512 emulates bfloat16, which is far slower than float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    return torch.bfloat16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else None


def channels_last(network: nn.Module) -> nn.Module:
    """The network with its weights channels last in memory, which convolves faster."""
    if isinstance(network, torch.jit.ScriptModule):
        torch._C._jit_set_autocast_mode(False)  # TorchScript's own pass rounds in other places than PyTorch does
    volumes = any(parameter.dim() == 5 for parameter in network.parameters())
    memory_format = torch.channels_last_3d if volumes else torch.channels_last
    return network.to(memory_format=memory_format)  # type: ignore[call-overload]
