"""No-reference numbers of image quality, by the formulas of MRIQC."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2
from scipy.ndimage import binary_erosion, binary_fill_holes, label
from scipy.stats import median_abs_deviation

_LEAST = 100  # voxels of a class, with fewer of which its numbers are not given
_SAMPLE = 2**17  # values, at least half of which classes are found from
_NOTHING = 1e-6  # of the energy of the head: energy of air that counts as none
_SMALL = 0.01  # of the largest object: size of objects that do not count


@dataclass(frozen=True)
class Tissue:
    """Masks ``(X, Y, Z)`` that numbers before and after denoising share.

    Attributes:
        head: the large objects above the darkest of three classes, by k-means, filled slice by slice: a skull is
            dark, its scalp is not.
        bright, middle: the upper two of three classes of intensity inside the head.
    """

    head: np.ndarray
    bright: np.ndarray
    middle: np.ndarray


def find_tissue(image: np.ndarray) -> Tissue:
    """The masks of a denoised volume ``(X, Y, Z)``.

    In a T1-weighted brain without its skull, the bright class is white matter and the middle one grey matter; in a
    whole head fat is bright, too.
    """
    objects, count = label(_classes(image, 3))
    if count == 0:
        nothing = np.zeros(image.shape, dtype=bool)
        return Tissue(nothing, nothing, nothing)
    sizes = np.bincount(objects.ravel())
    sizes[0] = 0
    head = (sizes > _SMALL * sizes.max())[objects]
    for axis in range(3):
        slices = np.moveaxis(head, axis, 0)
        slices[:] = [binary_fill_holes(one) for one in slices]
    inside = binary_erosion(head, iterations=2)
    inside = inside if np.count_nonzero(inside) >= _LEAST else head
    classes = np.zeros(image.shape, dtype=np.uint8)
    classes[inside] = _classes(image[inside], 3)
    return Tissue(head, classes == 2, classes == 1)


def quality_numbers(image: np.ndarray, tissue: Tissue) -> dict[str, float]:
    """SNR, CNR, CJV, EFC and FBER of a volume ``(X, Y, Z)`` by name; NaN where one is not defined.

    - SNR: ``median / std`` of the bright class.
    - CNR: ``|median_bright - median_middle| / sqrt(var_bright + var_middle + var_air)``.
    - CJV: ``(mad_bright + mad_middle) / |median_bright - median_middle|`` with median absolute deviations; low is good.
    - EFC: entropy of the voxels, in multiples of the largest that is possible; low is good.
    - FBER: median energy in the head over that in the air. Any denoiser that removes the noise floor raises it.

    Esteban O et al. (2017). MRIQC: advancing the automatic prediction of image quality in MRI from unseen sites. PLoS
    ONE 12(9):e0184661.
    """
    bright, middle, air = (image[where].astype(np.float64) for where in (tissue.bright, tissue.middle, ~tissue.head))
    if min(bright.size, middle.size) < _LEAST:
        return dict.fromkeys(("SNR", "CNR", "CJV"), math.nan) | {"EFC": _efc(image), "FBER": _fber(image, tissue)}
    contrast = abs(float(np.median(bright)) - float(np.median(middle)))
    variance_of_air = air.var() if air.size else 0.0
    deviations = [float(median_abs_deviation(values, scale="normal")) for values in (bright, middle)]
    return {
        "SNR": _ratio(float(np.median(bright)), bright.std(ddof=1)),
        "CNR": _ratio(contrast, math.sqrt(bright.var() + middle.var() + variance_of_air)),
        "CJV": _ratio(sum(deviations), contrast),
        "EFC": _efc(image),
        "FBER": _fber(image, tissue),
    }


def _efc(image: np.ndarray) -> float:
    """Entropy-focus criterion (Atkinson et al., IEEE TMI 1997)."""
    values = image[image > 0].astype(np.float64)
    if values.size < 2:
        return math.nan
    share = values / math.sqrt(np.square(values).sum())
    largest = math.sqrt(image.size) * math.log(1 / math.sqrt(image.size))
    return float((share * np.log(share)).sum() / largest)


def _fber(image: np.ndarray, tissue: Tissue) -> float:
    """Foreground-background energy ratio; NaN where most of the background is masked or was
    denoised to nothing."""
    if not tissue.head.any() or tissue.head.all():
        return math.nan
    head, air = (float(np.median(np.square(image[where].astype(np.float64)))) for where in (tissue.head, ~tissue.head))
    return _ratio(head, air) if air > _NOTHING * head else math.nan


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else math.nan


def _classes(values: np.ndarray, count: int) -> np.ndarray:
    """The class of each value, 0 to ``count - 1``, by k-means; bright outliers do not move the classes."""
    sample = values.ravel()[:: 1 + values.size // _SAMPLE].astype(np.float64)
    sample = np.minimum(sample, np.percentile(sample, 99.5))
    if sample.min() == sample.max():
        return np.zeros(values.shape, dtype=np.uint8)
    start = np.linspace(sample.min(), sample.max(), 2 * count + 1)[1::2, np.newaxis]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class without values, which does no harm
        means = np.sort(kmeans2(sample[:, np.newaxis], start, iter=100, minit="matrix")[0].ravel())
    return np.digitize(values, (means[1:] + means[:-1]) / 2).astype(np.uint8)
