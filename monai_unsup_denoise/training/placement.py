"""Where the networks of a training compute."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from monai_unsup_denoise.inference.precision import channels_last

if TYPE_CHECKING:
    from monai_unsup_denoise.networks import PhysicsGuidedDenoiser
    from monai_unsup_denoise.protocols import TrainableNetwork

    _: type[TrainableNetwork] = PhysicsGuidedDenoiser  # for mypy: what the objectives ask of it


def place_networks(groups: Iterable[Mapping[str, nn.Module]], device: torch.device | str) -> nn.ModuleDict:
    """The networks of all ``groups`` by name, on ``device``, channels last in memory, which convolves faster."""
    networks = nn.ModuleDict({name: network for group in groups for name, network in group.items()})
    channels_last(networks.to(device))
    return networks
