"""Artefacts that a denoiser has to leave visible: ghosts, a zipper, ringing, wrap-around."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monai_unsup_denoise.benchmark.trust.scene import Finding, Scene

_GHOST = 0.06  # of the image
_WRAP = 0.15  # of the field of view that is folded over
_KEPT = 0.6  # of k-space along one axis, whose edge makes the ringing
_ZIPPER = 0.3  # of the maximum


def artefact_scene(name: str, clean: np.ndarray, *, level: float, kind: str) -> Scene:
    """A scene with a variant for each artefact, and one without."""
    return Scene(
        name,
        {
            "none": clean,
            "ghost": ghost(clean),
            "zipper": zipper(clean),
            "ringing": ringing(clean),
            "wrap": wrap(clean),
        },
        level,
        kind,
    )


def ghost(image: np.ndarray) -> np.ndarray:
    """An N/2 ghost: the image, faint, half a field of view away along the second axis."""
    return image + _GHOST * np.roll(image, image.shape[1] // 2, axis=1)


def zipper(image: np.ndarray) -> np.ndarray:
    """A line of alternating voxels across every slice, from a carrier that leaks into the receiver."""
    out = image.copy()
    row = image.shape[0] // 3
    out[row] += _ZIPPER * (np.arange(image.shape[1]) % 2)[:, None]
    return out


def ringing(image: np.ndarray) -> np.ndarray:
    """Gibbs ringing along the first axis, from a k-space that ends early."""
    spectrum = np.fft.fft(image, axis=0)
    frequency = np.abs(np.fft.fftfreq(image.shape[0]))[:, None, None]
    return np.abs(np.fft.ifft(spectrum * (frequency < _KEPT / 2), axis=0)).astype(image.dtype)


def wrap(image: np.ndarray) -> np.ndarray:
    """The edge of the head, folded over to the other side along the first axis."""
    head = np.flatnonzero((image > 0).any(axis=(1, 2)))
    width = round(_WRAP * (head[-1] - head[0]))
    out = image.copy()
    folded = image[head[-1] - width : head[-1] + 1]
    out[head[0] : head[0] + width + 1] += folded
    return out


def measure_artefacts(scene: Scene, denoised: Mapping[str, np.ndarray]) -> list[Finding]:
    """The share of each artefact that is left: the projection of its change after denoising on that before."""
    findings = []
    for variant, image in scene.images.items():
        if variant != "none":
            before = (image - scene.images["none"]).astype(np.float64)
            after = (denoised[variant] - denoised["none"]).astype(np.float64)
            left = float((before * after).sum() / np.square(before).sum())
            findings.append(Finding("artefact", variant, left))
    return findings
