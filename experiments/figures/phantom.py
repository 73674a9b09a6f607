"""The phantom that the figures show: the T1w scan of the benchmark, of a subject that is in no training set."""

from __future__ import annotations

from monai_unsup_denoise.benchmark.cases import Volume, find_sources, load_volume

VOLUME = "phantom_t1w"


def phantom(slices: str) -> Volume:
    """The scan, maximum 1; ``slices`` as in `load_volume`."""
    [source] = find_sources([VOLUME])
    return load_volume(source, slices)
