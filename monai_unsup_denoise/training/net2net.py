"""Go on from the weights of a network with fewer residual blocks."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.weights import read_weights
from monai_unsup_denoise.networks.blocks import ConditionedBlock, ContentBlock


def load_and_deepen(network: nn.Module, path: str | Path) -> nn.Module:
    """``network`` with the weights of one that has fewer residual blocks; the new blocks do nothing yet.

    So the deeper network gives what the shallower one gave, and learns from there: the last convolution of each new
    block is set to zero.

    Chen T, Goodfellow I, Shlens J (2016). Net2Net: accelerating learning via knowledge transfer. ICLR, section 3.2.

    Args:
        network: changed in place.
        path: a state dictionary, as for `load_weights`.

    Raises:
        InputError: if the file is missing or is no such file, or differs from the network in more than new blocks.
    """
    state = read_weights(path, source="train the shallower network first")
    own = network.state_dict()
    blocks = {name: module for name, module in network.named_modules() if isinstance(module, _BLOCKS)}
    new = [name for name in blocks if f"{name}.second.weight" not in state]
    expected = {name for name in own if not name.startswith(tuple(f"{block}." for block in new))}
    wrong = [name for name in sorted(expected | state.keys()) if not _fits(name, own, state)]
    if wrong:
        raise InputError(
            f"{path}: not the weights of this network with fewer blocks ({len(wrong)} do not match, first "
            f"{wrong[0]!r}); give weights that were trained with the same channels"
        )
    network.load_state_dict({**own, **state})
    for name in new:
        nn.init.zeros_(blocks[name].second.weight)
        nn.init.zeros_(blocks[name].second.bias)
    return network


_BLOCKS = (ContentBlock, ConditionedBlock)


def _fits(name: str, own: dict, state: dict) -> bool:
    return name in own and name in state and own[name].shape == state[name].shape
