"""Which methods stand side by side in the pictures, and where their slices come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.strip_figure import strip_figure
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

#: `(volume, level, seed, method)` to the 2-D images "noisy", "denoised" and "clean" of one slice; None: no picture.
FindPicture = Callable[[str, float, int, str], "dict[str, np.ndarray] | None"]

# From left to right; of the methods in one place the first with a picture is shown.
_PLACES = (("adf_unbiased", "adf"), ("cyclegan",), ("paper",), ("ours",), ("bm4d_vst",))


def strip_of_level(volume: VolumeResults, level: float, find_picture: FindPicture) -> Figure | None:
    """The methods with a picture at a level, for the first seed that has any; None if there is none at all."""
    for seed in volume.seeds:
        found: dict[str, dict[str, np.ndarray]] = {}
        for place in _PLACES:
            pictures = ((method, find_picture(volume.name, level, seed, method)) for method in place)
            found.update(next(([(method, images)] for method, images in pictures if images is not None), []))
        if found:
            return _strip(volume, level, _same_slice(found))
    return None


def _same_slice(pictures: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """Those of the slice that most show: the middle is another one where fewer slices were measured."""
    slices = {method: images["clean"].tobytes() for method, images in pictures.items()}
    usual = Counter(slices.values()).most_common(1)[0][0]
    return {method: images for method, images in pictures.items() if slices[method] == usual}


def _strip(volume: VolumeResults, level: float, pictures: dict[str, dict[str, np.ndarray]]) -> Figure:
    first = next(iter(pictures.values()))
    titles = {name: _title(volume, level, name) for name in pictures}
    titles |= {"noisy": _title(volume, level, "noisy"), "clean": "Clean\n"}
    denoised = {method: images["denoised"] for method, images in pictures.items()}
    return strip_figure(first["noisy"], denoised, first["clean"], sigma=level / 100, titles=titles)


def _title(volume: VolumeResults, level: float, method: str) -> str:
    score = volume.score(method, level, "psnr")
    return f"{volume.method_title(method)}\n" + (f"{score.mean:.1f} dB" if score.seeds else "")
