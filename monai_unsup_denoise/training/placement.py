"""Where, and in which precision, the networks of a training compute."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from monai_unsup_denoise.networks import PhysicsGuidedDenoiser
    from monai_unsup_denoise.protocols import TrainableNetwork

    _: type[TrainableNetwork] = PhysicsGuidedDenoiser  # for mypy: what the objectives ask of it


def place_networks(groups: Iterable[Mapping[str, nn.Module]], device: torch.device | str) -> nn.ModuleDict:
    """The networks of all ``groups`` by name, on ``device``, channels last in memory, which convolves faster."""
    networks = nn.ModuleDict({name: network for group in groups for name, network in group.items()})
    volumes = any(parameter.dim() == 5 for parameter in networks.parameters())
    memory_format = torch.channels_last_3d if volumes else torch.channels_last
    return networks.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]


def autocast_dtype(device: torch.device | str) -> torch.dtype | None:
    """The dtype in which ``device`` trains fastest: bfloat16, or None for float32.

    A CPU without AVX-512 emulates bfloat16, which is far slower than float32.
    """
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    return torch.bfloat16 if torch.backends.cpu.get_cpu_capability().startswith("AVX512") else None
