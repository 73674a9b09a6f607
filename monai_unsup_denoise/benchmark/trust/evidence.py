"""All checks of one denoiser on one subject, and their sums over subjects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from monai_unsup_denoise.benchmark.trust.artefacts import artefact_scene, measure_artefacts
from monai_unsup_denoise.benchmark.trust.inventions import departure_map, false_alarms
from monai_unsup_denoise.benchmark.trust.lesions import DIAMETERS, RATIOS, around, lesion_scene, measure_lesions
from monai_unsup_denoise.benchmark.trust.observer import LEAST, detect
from monai_unsup_denoise.benchmark.trust.places import SITES
from monai_unsup_denoise.benchmark.trust.quantities import measure_means, measure_volumes, nrmse_ratio
from monai_unsup_denoise.benchmark.trust.rayleigh import DISTANCES, rayleigh_scene
from monai_unsup_denoise.benchmark.trust.scene import Denoise, Finding, Scene
from monai_unsup_denoise.benchmark.trust.subjects import Subject

Row = dict[str, float | str | int]

_WORST = ("NRMSE after / before", "mean", "contrast", "volume")  # checks of which the worst head counts
_TYPICAL = (4, 3)  # diameter and contrast of the lesions that an observer looks for where there are none


@dataclass(frozen=True)
class Evidence:
    """What was found on one subject.

    Attributes:
        findings: of the checks that need no observer.
        lesions: a row for each lesion.
        distances: of each pair of spots.
        crops: what the observer sees of each lesion ("with", "without") and pair ("one", "two"), ``(N, n, n, n)``.
    """

    findings: list[Finding] = field(default_factory=list)
    lesions: list[dict[str, float | str]] = field(default_factory=list)
    distances: list[int] = field(default_factory=list)
    crops: dict[str, np.ndarray] = field(default_factory=dict)


def gather(subject: Subject, denoise: Denoise, *, level: float, kind: str) -> Evidence:
    """Make all checks on a subject with noise of a level (percent) and kind; ten volumes are denoised."""
    noise: dict[str, Any] = {"level": level, "kind": kind}
    crops: dict[str, np.ndarray] = {}
    ill = lesion_scene(subject.name, subject.pdw.clean, subject.lesions, **noise)
    denoised = ill.denoised(denoise)
    lesions = measure_lesions(ill, denoised, subject.lesions)
    for variant, image in denoised.items():
        crops[variant] = _crops(image, (lesion.center for lesion in subject.lesions))
    spots = rayleigh_scene(subject.name, subject.pdw.clean, subject.pairs, **noise)
    for variant, image in spots.denoised(denoise).items():
        crops[variant] = _crops(image, (pair.center for pair in subject.pairs))
    scene = artefact_scene(subject.name, subject.pdw.clean, **noise)
    denoised = scene.denoised(denoise)
    plain = denoised["none"]
    findings = measure_artefacts(scene, denoised) + measure_means(subject.pdw, plain, contrast="PDw")
    t1w = Scene(f"{subject.name}_T1w", {"none": subject.t1w.clean}, level, kind).denoised(denoise)["none"]
    findings += measure_means(subject.t1w, t1w, contrast="T1w") + measure_volumes(subject.t1w, t1w)
    findings.append(
        Finding("NRMSE after / before", "worst head", nrmse_ratio(subject.pdw.clean, scene.case("none").noisy, plain))
    )
    middle = subject.pdw.clean.shape[2] // 2
    true = departure_map(plain[:, :, middle], subject.pdw.clean[:, :, middle])
    findings.append(Finding("true frequency", "mean of patches", float(np.nanmean(true))))
    return Evidence(findings, lesions, [pair.distance for pair in subject.pairs], crops)


def summarise(evidence: Sequence[Evidence]) -> list[Row]:
    """Rows ``check``, ``group``, ``value``, ``error`` (standard error, where there is one) and ``count``.

    Of quantities and error ratios the worst subject counts, other findings are averaged; lesions and pairs of all
    subjects are one set.
    """
    rows = means(evidence)
    lesions = [row for one in evidence for row in one.lesions]
    for column in ("contrast", "size"):
        for diameter in DIAMETERS:
            for ratio in RATIOS:
                values = [row[column] for row in lesions if (row["diameter"], row["ratio"]) == (diameter, ratio)]
                rows.append(_row(f"lesion {column} kept", _named(diameter, ratio), values))
    for site in SITES:
        values = [row["contrast"] for row in lesions if row["site"] == site and row["ratio"] != min(RATIOS)]
        rows.append(_row("lesion contrast kept", site, values))
    crops = {name: np.concatenate([one.crops[name] for one in evidence]) for name in evidence[0].crops}
    kinds = np.asarray([(row["diameter"], row["ratio"]) for row in lesions])
    for diameter in DIAMETERS:
        for ratio in RATIOS:
            chosen = (kinds == (diameter, ratio)).all(axis=1)
            rows.append(_detected("lesion detection, AUC", _named(diameter, ratio), crops, ("with", "without"), chosen))
    distances = np.concatenate([one.distances for one in evidence])
    for distance in DISTANCES:
        rows.append(_detected("one spot or two, AUC", f"{distance} mm", crops, ("two", "one"), distances == distance))
    chosen = (kinds == _TYPICAL).all(axis=1)
    share = np.nan
    if np.count_nonzero(chosen) >= LEAST:
        share = false_alarms(crops["with"][chosen], crops["without"][chosen], crops["without"][~chosen])
    group = "where 90 % of 4 mm, CNR 3 are found"
    rows.append(_row_of("false alarms", group, share, np.nan, int(np.count_nonzero(~chosen))))
    return rows


def _detected(
    check: str, group: str, crops: dict[str, np.ndarray], variants: tuple[str, str], chosen: np.ndarray
) -> Row:
    """A row with NaN where there are too few places."""
    count = int(np.count_nonzero(chosen))
    if count < LEAST:
        return _row_of(check, group, np.nan, np.nan, count)
    found = detect(*(crops[variant][chosen] for variant in variants))
    return _row_of(check, group, found.auc, found.error, count)


def means(evidence: Sequence[Evidence]) -> list[Row]:
    """The rows of the findings alone."""
    values: dict[tuple[str, str], list[float]] = {}
    for one in evidence:
        for finding in one.findings:
            values.setdefault((finding.check, finding.group), []).append(finding.value)
    return [
        _row_of(check, group, max(found, key=abs), np.nan, len(found)) if check in _WORST else _row(check, group, found)
        for (check, group), found in values.items()
    ]


def _row(check: str, group: str, values: Sequence[float | str]) -> Row:
    numbers = np.asarray(values, dtype=np.float64)
    error = float(numbers.std(ddof=1) / np.sqrt(len(numbers))) if len(numbers) > 1 else float("nan")
    return _row_of(check, group, float(numbers.mean()) if len(numbers) else float("nan"), error, len(numbers))


def _row_of(check: str, group: str, value: float, error: float, count: int) -> Row:
    return {"check": check, "group": group, "value": value, "error": error, "count": count}


def _named(diameter: int, ratio: int) -> str:
    return f"{diameter} mm, CNR {ratio}"


def _crops(image: np.ndarray, centers: Iterable[tuple[int, int, int]]) -> np.ndarray:
    return np.stack([image[around(center)] for center in centers])
