"""What becomes of a series one of whose files is damaged."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import choose_series, find_series, read_series, write_derived_series


def with_one_wrong_bit(content: bytes, *, before: int, count: int, rng: np.random.Generator) -> Iterator[bytes]:
    """The content with another bit changed each time, in its first ``before`` bytes."""
    for place, bit in zip(rng.integers(before, size=count), rng.integers(8, size=count), strict=True):
        yield content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def read_and_derive(path: Path, contents: Iterable[bytes], out: Path) -> tuple[set[tuple[int, ...]], list[str]]:
    """Shapes of what is read and derived, and the refusals, with each of these contents in ``path``."""
    shapes, refused = set(), []
    for content in contents:
        path.write_bytes(content)
        try:
            series = choose_series(find_series(path.parent), None, folder=path.parent)
            voxels = read_series(series)
            write_derived_series(series, voxels, out, sigma=1.0, software="tool", overwrite=True)
        except InputError as error:
            refused.append(str(error))
        else:
            shapes.add(tuple(voxels.shape))
    return shapes, refused
