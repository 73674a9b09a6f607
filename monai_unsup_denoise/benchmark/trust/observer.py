"""A channelised Hotelling observer: how well a detection task can be done on images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_CHANNELS = 10
#: Images of each class that an observer needs.
LEAST = 4 * _CHANNELS
_FIRST, _RATIO, _WIDTH = 0.015, 1.4, 1.67  # cycles per voxel; of one channel to the next; of the two Gaussians


@dataclass(frozen=True)
class Detection:
    """How well two classes of images are told apart.

    Attributes:
        auc: area under the ROC curve, 0.5 for guessing, 1 for always right.
        error: its standard error.
    """

    auc: float
    error: float


def channels(side: int) -> np.ndarray:
    """Templates ``(channels, side, side, side)`` of dense differences of Gaussians, blind to the mean.

    Abbey CK, Barrett HH (2001). Human- and model-observer performance in ramp-spectrum noise. J Opt Soc Am A
    18(3):473-488. Their lowest frequency is 0.005 cycles per pixel; here it is higher, for lesions of a few voxels.
    """
    frequency = np.sqrt(sum(np.square(axis) for axis in np.meshgrid(*[np.fft.fftfreq(side)] * 3, indexing="ij")))
    scales = _FIRST * _RATIO ** np.arange(1, _CHANNELS + 1)
    passed = [
        np.exp(-0.5 * (frequency / (_WIDTH * scale)) ** 2) - np.exp(-0.5 * (frequency / scale) ** 2) for scale in scales
    ]
    templates = np.fft.fftshift(np.fft.ifftn(np.stack(passed), axes=(1, 2, 3)).real, axes=(1, 2, 3))
    return templates.astype(np.float64)


def detect(present: np.ndarray, absent: np.ndarray) -> Detection:
    """Tell images ``(N, n, n, n)`` with a signal in their middle from as many without, pair by pair of one place.

    The template is trained on one half of the places and tried on the other, and the other way round.

    Barrett HH et al. (1993). Model observers for assessment of image quality. PNAS 90(21):9758-9765. The error is that
    of pairs: Obuchowski NA (1997). Nonparametric analysis of clustered ROC curve data. Biometrics 53(2):567-578.

    Raises:
        ValueError: for fewer than 4 images for each channel.
    """
    if len(present) != len(absent) or len(present) < LEAST:
        raise ValueError(f"{len(present)} and {len(absent)} images: as many of both, and {LEAST} or more")
    halves = []
    for part in (0, 1):
        template = train(present[part::2], absent[part::2])
        halves.append(_tell_apart(*(respond(images[1 - part :: 2], template) for images in (present, absent))))
    error = np.sqrt(sum(half.error**2 for half in halves)) / 2
    return Detection(float(np.mean([half.auc for half in halves])), float(error))


def _tell_apart(present: np.ndarray, absent: np.ndarray) -> Detection:
    """From scores ``(N,)`` of both classes, pair by pair of one place."""
    higher = (present[:, None] > absent) + 0.5 * (present[:, None] == absent)
    placed = higher.mean(axis=1) + higher.mean(axis=0)  # of each pair: its image with, and its image without a signal
    return Detection(float(higher.mean()), float(placed.std(ddof=1) / np.sqrt(len(placed))))


def train(present: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """The Hotelling template ``(n, n, n)``: ``U S^-1 (mean_present - mean_absent)`` with channels ``U``."""
    templates = channels(present.shape[1])
    values = [_through(images, templates) for images in (present, absent)]
    covariance = (np.cov(values[0].T) + np.cov(values[1].T)) / 2
    weights = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ (values[0].mean(0) - values[1].mean(0))
    return np.tensordot(weights, templates, 1)


def respond(images: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The observer's score of each image ``(N, n, n, n)``: high where it sees the signal."""
    return np.tensordot(images.astype(np.float64), template, 3)


def _through(images: np.ndarray, templates: np.ndarray) -> np.ndarray:
    return np.stack([np.tensordot(images.astype(np.float64), template, 3) for template in templates], axis=1)
