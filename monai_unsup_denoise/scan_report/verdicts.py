"""What to make of a denoised scan, in a few sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from monai_unsup_denoise.scan_report.residual_tests import ResidualTests

_EDGES, _DETAIL = 0.05, 0.05  # correlations from which the residual counts as structured
_CHANCE = 4.0  # standard errors of a correlation, which is 1 / sqrt(voxels), that may be chance
_LEAST, _MOST = 0.5, 1.3  # standard deviation of the residual in sigma, outside which something is amiss
_CORRELATED = 0.15  # difference to the autocorrelation of the estimated noise


@dataclass(frozen=True)
class Verdict:
    """A sentence, and how bad its news is."""

    kind: Literal["good", "look", "bad"]
    text: str


def verdicts_on(noise: Mapping[str, Any], tests: ResidualTests | None, notes: Sequence[str] = ()) -> list[Verdict]:
    """The verdicts on a scan, the one on its residual first.

    Args:
        noise: as `DenoisedVolume.noise_report` gives it.
        tests: of the residual, if there were enough voxels.
        notes: sentences about the scan itself.
    """
    found = [_on_residual(noise, tests)]
    if "distance" in noise:
        text = "This image is unlike the scans that the model was trained on: compare before and after with care."
        found.append(Verdict("look", text))
    if not noise.get("sigma_is_sure", True):
        error = f"{noise['sigma_error_percent']:.0f} %"
        found.append(Verdict("look", f"The noise level is uncertain by about {error}: look for grain left, or blur."))
    if "change_percent" in noise:
        share = f"{noise['change_percent']} %"
        found.append(Verdict("look", f"This scan is nearly free of noise: only {share} of the change was made."))
    if "clipped_voxels" in noise:
        count = f"{noise['clipped_voxels']:,}"
        found.append(Verdict("look", f"{count} negative or NaN voxels were set to 0: this may be no magnitude image."))
    return found + [Verdict("look", note) for note in notes]


def _on_residual(noise: Mapping[str, Any], tests: ResidualTests | None) -> Verdict:
    if noise["sigma"] is None:
        return Verdict("look", "This model does not estimate the noise, so what was removed cannot be tested.")
    if tests is None:
        return Verdict("look", "Too little was removed, or too little is brighter than the noise, to test it.")
    if math.isnan(tests.edges) or math.isnan(tests.detail):
        return Verdict("look", "The scan is too even to say whether what was removed follows its anatomy.")
    chance = _CHANCE / math.sqrt(tests.voxels)
    if tests.edges > max(_EDGES, chance) or tests.detail > max(_DETAIL, chance):
        return Verdict("bad", "What was removed follows the edges of the anatomy: fine detail may have been smoothed.")
    if not _LEAST <= tests.spread / noise.get("strength", 1) <= _MOST:
        more = "More" if tests.spread > _MOST else "Less"
        share = f"{tests.spread:.1f} times the estimated noise"
        return Verdict("look", f"{more} was removed than noise ({share}): look for blur, or for grain left.")
    along = zip(tests.autocorrelation, noise["correlation"], strict=True)
    if any(abs(found - expected) > _CORRELATED for found, expected in along):  # not for NaN, along a single voxel
        return Verdict("look", "What was removed is smoother or finer than the estimated noise: compare the pictures.")
    return Verdict("good", "What was removed looks like noise: no structure of the anatomy was found in it.")
