"""All networks of a training on its device."""

from __future__ import annotations

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
