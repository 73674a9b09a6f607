"""Start a denoiser with a longer noise code, and another noise encoder, from the weights of one with a shorter code."""

from pathlib import Path

import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.weights import read_weights


def load_with_longer_code(network: nn.Module, path: str | Path) -> nn.Module:
    """``network`` with the weights of one whose code lacks the last entries; it computes the same function.

    The new entries have no influence until they are trained. The noise encoder keeps the weights that it has.

    The network is changed in place; the file at ``path`` holds a state dictionary, as for `load_weights`.

    Raises:
        InputError: if the file is missing or no state dictionary, or differs from the network in more than that.
    """
    state = read_weights(path, source="train the network with the shorter code first")
    own = network.state_dict()
    given = {name: value for name, value in state.items() if not name.startswith("noise_encoder.")}
    for name, value in given.items():
        missing = own[name].shape[-1] - value.shape[-1] if name in own and name.endswith("modulation.weight") else 0
        if missing > 0:
            given[name] = torch.cat([value, value.new_zeros(*value.shape[:-1], missing)], dim=-1)
    expected = {name: value.shape for name, value in own.items() if not name.startswith("noise_encoder.")}
    found = {name: value.shape for name, value in given.items()}
    if wrong := sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name)):
        raise InputError(
            f"{path}: not the weights of this network with a shorter code ({len(wrong)} do not match, first "
            f"{wrong[0]!r}); give weights that were trained with the same channels and blocks"
        )
    network.load_state_dict({**own, **given})
    return network
