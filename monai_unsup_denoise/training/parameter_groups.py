"""Parameters that the Muon optimizer orthogonalises."""

from typing import Any

from torch import nn


def muon_groups(network: nn.Module) -> list[dict[str, Any]]:
    """Parameter groups for `Muon`: kernels of convolutions, and the rest, for AdamW.

    A kernel ``(out, in, *size)`` is a matrix from ``in * size`` features to ``out``. Muon makes its updates orthogonal:
    every direction is learned at the same pace (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon). Kernels
    from or to one channel go with the rest.
    """
    kernels = [p for p in network.parameters() if p.dim() > 2 and min(p.shape[:2]) > 1]
    chosen = {id(p) for p in kernels}
    rest = [p for p in network.parameters() if id(p) not in chosen]
    return [{"params": kernels, "use_muon": True}, {"params": rest, "use_muon": False}]
