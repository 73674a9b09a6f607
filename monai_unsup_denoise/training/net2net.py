"""Start a deeper network from the weights of a shallower one."""

from pathlib import Path

from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.weights import read_weights
from monai_unsup_denoise.networks.blocks import ConditionedBlock, ContentBlock


def load_and_deepen(network: nn.Module, path: str | Path) -> nn.Module:
    """``network`` with the weights of one that has fewer residual blocks; it computes the same function.

    The last convolution of each new block is zero, so the block is the identity until it is trained.

    The network is changed in place; the file at ``path`` holds a state dictionary, as for `load_weights`.

    Chen T, Goodfellow I, Shlens J (2016). Net2Net: accelerating learning via knowledge transfer. ICLR, section 3.2.

    Raises:
        InputError: if the file is missing or no state dictionary, or differs from the network in more than new blocks.
    """
    state = read_weights(path, source="train the shallower network first")
    own = network.state_dict()
    blocks = {name: m for name, m in network.named_modules() if isinstance(m, (ContentBlock, ConditionedBlock))}
    new = [name for name in blocks if f"{name}.second.weight" not in state]
    expected = {name for name in own if not name.startswith(tuple(f"{block}." for block in new))}
    shared = {name for name in own.keys() & state.keys() if own[name].shape == state[name].shape}
    wrong = sorted((expected | state.keys()) - shared)
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
