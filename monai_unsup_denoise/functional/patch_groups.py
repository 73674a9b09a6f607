"""Groups of similar patches: their sizes, and where to look for them."""

import itertools
import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

_SIGNAL = 0.25  # least mean of a reference patch, in units of sigma


class Patches(NamedTuple):
    """Sizes of patches and groups; lengths along the three axes, in voxels.

    Attributes:
        sides: of a patch.
        stride: between reference patches.
        reach: search radius.
        blocks: sides of the parts of a patch whose means stand for it; there are two along a longer axis.
        candidates: patches for a group by these means.
        similar: of these, the patches in a group.
    """

    sides: tuple[int, int, int]
    stride: tuple[int, int, int]
    reach: tuple[int, int, int]
    blocks: tuple[int, int, int]
    candidates: int
    similar: int

    def in_larger_groups(self) -> "Patches":
        """The same with twice as many patches in a group, found among as many more as there are places to look."""
        places = math.prod(2 * reach + 1 for reach in self.reach)
        return self._replace(candidates=min(2 * self.candidates, places), similar=min(2 * self.similar, places))


CUBES = Patches((4, 4, 4), (3, 3, 3), (5, 5, 5), (2, 2, 2), 80, 40)
SQUARES = Patches((8, 8, 1), (4, 4, 1), (8, 8, 0), (4, 4, 1), 160, 90)  # in all slices


def references_of(amplitude: Tensor, patches: Patches) -> Tensor:
    """Corners ``(references, 3)`` of the reference patches with signal, in the slab without its margin."""
    inner = amplitude[tuple(slice(reach, n - reach) for reach, n in zip(patches.reach, amplitude.shape, strict=True))]
    means = avg_pool3d(inner[None, None], patches.sides, stride=patches.stride)[0, 0]
    return (means > _SIGNAL).nonzero() * torch.tensor(patches.stride, device=amplitude.device)


def candidates_of(means: Tensor, references: Tensor, patches: Patches) -> Tensor:
    """Shifts ``(references, candidates, 3)`` to the patches with the least squared difference to each reference patch.

    The ``means`` of the blocks of a patch, two along each longer axis, stand for it: the pilot is smooth.
    """
    step = torch.tensor(means.stride(), device=means.device)
    window = [2 * reach + 1 for reach in patches.reach]
    second = [side - block for side, block in zip(patches.sides, patches.blocks, strict=True)]  # place of a block
    ranges = (torch.arange(n + offset, device=means.device) for n, offset in zip(window, second, strict=True))
    offsets = (torch.cartesian_prod(*ranges) * step).sum(-1)
    around = offsets.unsqueeze(1) + (references * step).sum(-1)
    # References last, so that each operation runs along contiguous memory.
    lengths = [n + offset for n, offset in zip(window, second, strict=True)]
    around = means.view(-1).index_select(0, around.view(-1)).view(*lengths, -1)
    distances = torch.zeros(*window, len(references), device=means.device)
    centre = patches.reach
    for x, y, z in itertools.product(*(sorted({0, offset}) for offset in second)):
        own = around[centre[0] + x, centre[1] + y, centre[2] + z]
        difference = around[x : x + window[0], y : y + window[1], z : z + window[2]] - own
        distances.addcmul_(difference, difference)
    distances[centre] = -1  # a reference belongs to its own group, also among identical patches
    axes = (torch.arange(-reach, reach + 1, device=means.device) for reach in patches.reach)
    shifts = torch.cartesian_prod(*axes)
    return shifts[nearest(distances.view(math.prod(window), -1).mT.contiguous(), patches.candidates)]


def nearest(distances: Tensor, count: int) -> Tensor:
    return distances.topk(count, largest=False, sorted=False).indices
