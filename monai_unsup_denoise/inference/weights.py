"""Load the weights of a network, or say clearly why not."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import check_zip


def load_weights(
    network: nn.Module, path: str | Path | None, *, source: str = "train a model first (`make train`)"
) -> nn.Module:
    """``network`` with all weights of ``path``, loaded in place; unchanged where ``path`` is None.

    A part of its own for white noise, ``white``, is left out where either of both, network or file, has none.

    Args:
        network: as it was trained.
        path: a state dictionary (tensors only), bare or under ``model``.
        source: how to come by such a file, for the message where there is none.

    Raises:
        InputError: if the file is missing or is no such file, its names or shapes are not the network's, or a weight is
            not finite.
    """
    if path is None:
        return network
    state = read_weights(path, source=source)
    if getattr(network, "white", None) is None:
        state = {name: value for name, value in state.items() if not name.startswith("white.")}
    elif not any(name.startswith("white.") for name in state):
        network.white = None  # type: ignore[assignment]
    own, given = ({name: tensor.shape for name, tensor in d.items()} for d in (network.state_dict(), state))
    wrong = sorted(name for name in {*own, *given} if own.get(name) != given.get(name))
    if wrong:
        raise InputError(
            f"{path}: weights of another network ({len(wrong)} of {len(own)} do not match, first {wrong[0]!r}); "
            "give weights trained with the same network settings"
        )
    if broken := [name for name, value in state.items() if not value.isfinite().all()]:
        raise InputError(f"{path}: NaN or infinite weights, first in {broken[0]!r}; give those of a sound training")
    network.load_state_dict(state)
    return network


def read_weights(path: str | Path, *, source: str) -> dict[str, torch.Tensor]:
    """The state dictionary in the file at ``path``, on the CPU; arguments and errors as of `load_weights`."""
    try:
        check_zip(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; {source} or give another path") from None
    except Exception as error:  # whatever torch's unpickler makes of foreign bytes: IndexError, KeyError and so on
        raise InputError(f"{path}: not a PyTorch file of weights, or a damaged one; save or copy it again") from error
    state = state.get("model", state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f"{path}: holds no state dictionary of a network; give the `model.pt` of a training")
    return state


def weights_sha256(path: str | Path) -> str:
    """SHA-256 of a file of weights."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
