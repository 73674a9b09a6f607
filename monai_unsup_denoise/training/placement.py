"""Where the networks of a training compute."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.precision import channels_last
from monai_unsup_denoise.training.find_checkpoint import find_checkpoint, read_checkpoint

if TYPE_CHECKING:
    from monai_unsup_denoise.networks import PhysicsGuidedDenoiser
    from monai_unsup_denoise.protocols import TrainableNetwork

    _: type[TrainableNetwork] = PhysicsGuidedDenoiser  # for mypy: what the objectives ask of it


def place_networks(
    groups: Iterable[Mapping[str, nn.Module]], device: torch.device | str, *, start_from: str | Path | None = None
) -> nn.ModuleDict:
    """The networks of all ``groups`` by name, on ``device``, channels last in memory, which convolves faster.

    Args:
        start_from: checkpoint of an earlier training of the same networks, whose weights they get; or a folder, in and
            below which that is the newest.

    Raises:
        InputError: if there is no such checkpoint, or its networks are others.
    """
    networks = nn.ModuleDict({name: network for group in groups for name, network in group.items()})
    if start_from is not None:
        path = find_checkpoint(start_from, "latest") if Path(start_from).is_dir() else start_from
        try:
            networks.load_state_dict(read_checkpoint(path)["networks"])
        except (KeyError, RuntimeError) as error:
            raise InputError(f"start_from {path}: a training of other networks; give one of the same") from error
    channels_last(networks.to(device))
    return networks
