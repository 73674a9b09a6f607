"""The loop over methods, kinds of noise and subjects, and the table that it fills."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from monai_unsup_denoise.benchmark.cases import Volume
from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.trust.evidence import Evidence, gather, means, summarise
from monai_unsup_denoise.benchmark.trust.levels import load_slabs, measure_levels
from monai_unsup_denoise.benchmark.trust.page import trust_page
from monai_unsup_denoise.benchmark.trust.scene import Denoise, Finding
from monai_unsup_denoise.benchmark.trust.subjects import load_subject
from monai_unsup_denoise.benchmark.worker import run_method
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write, write_text

_NO_CHECKS = ("page.py", "run.py")  # files that the evidence does not depend on
COLUMNS = ("kind", "level", "method", "check", "group", "value", "error", "count")


def run_trust(
    methods: Sequence[ResolvedMethod],
    subjects: Sequence[int],
    *,
    level: float,
    kinds: Sequence[str],
    slices: int,
    folder: Path,
    every_level: bool = False,
    threads: int = 1,
) -> pd.DataFrame:
    """Check every method with every kind of noise; write ``trust.csv`` and ``trust.md`` after each.

    What is finished is not computed again, unless its inputs or the checks have changed.

    Args:
        methods: resolved for this machine.
        subjects: numbers of phantoms.
        level: of the noise, in percent.
        kinds: of the noise, names of `SCANNER_KINDS`.
        slices: of each subject.
        folder: for the table, and ``cells`` for what is finished.
        every_level: also measure the error before and after at `levels.LEVELS`, in rows without a level.
        threads: that the libraries of a method may use.

    Raises:
        InputError: if a method lacks packages or weights.
        MethodError: if one fails.
    """
    for method in methods:
        if method.unavailable_reason:
            raise InputError(f"--method {method.method.name}: {method.unavailable_reason}")
    heads = [load_subject(number, slices=slices) for number in tqdm(subjects, desc="phantoms", disable=None)]
    slabs = load_slabs() if every_level else {}
    rows: list[dict] = []
    steps = len(heads) + bool(slabs)
    with tqdm(total=len(methods) * len(kinds) * steps, unit="part", disable=None) as bar:
        for method in methods:
            denoise = partial(_denoise, method, threads, bar)
            for kind in kinds:
                bar.set_description(f"{method.method.name}, {kind}")
                cells = folder / "cells" / method.method.name / kind
                named = {"kind": kind, "level": level, "method": method.method.name}
                evidence = []
                for head in heads:
                    inputs = _digest(method, [head.pdw.clean, head.pdw.tissue, head.t1w.clean])
                    check = partial(gather, head, _once(denoise), level=level, kind=kind)
                    evidence.append(_known_or(check, cells / f"{level:g}_{head.name}.json", inputs))
                    bar.update()
                rows += [named | row for row in summarise(evidence)]
                if slabs:
                    inputs = _digest(method, [volume.clean for volume in slabs.values()])
                    check = partial(_at_levels, slabs, denoise, kind)
                    rows += [
                        named | {"level": None} | row
                        for row in means([_known_or(check, cells / "levels.json", inputs)])
                    ]
                    bar.update()
                table = pd.DataFrame(rows, columns=list(COLUMNS)).round({"value": 5, "error": 5})
                with atomic_write(folder / "trust.csv") as partial_file:
                    table.to_csv(partial_file, index=False)
                write_text(folder / "trust.md", trust_page(table))
    return table


def _denoise(
    method: ResolvedMethod, threads: int, bar: tqdm, noisy: np.ndarray, sigma: float, spectrum: np.ndarray | None
) -> np.ndarray:
    entry = method.method
    return run_method(
        entry.target,
        method.parameters,
        noisy,
        sigma if entry.given_sigma else None,
        spectrum=spectrum if entry.given_spectrum else None,
        python=method.python,
        threads=threads,
        tick=bar.refresh,
    ).volume


def _once(denoise: Denoise) -> Denoise:
    """The same, but a volume that comes again is not denoised again: two scenes of a head share their first variant."""
    known: dict[bytes, np.ndarray] = {}

    def call(noisy: np.ndarray, sigma: float, spectrum: np.ndarray | None) -> np.ndarray:
        told = repr(sigma).encode() + (b"" if spectrum is None else spectrum.tobytes())
        key = hashlib.sha256(noisy.tobytes() + told).digest()
        if key not in known:
            known[key] = denoise(noisy, sigma, spectrum)
        return known[key]

    return call


def _at_levels(slabs: Mapping[str, Volume], denoise: Denoise, kind: str) -> Evidence:
    return Evidence(measure_levels(slabs, denoise, kind=kind))


def _known_or(check: Callable[[], Evidence], path: Path, inputs: str) -> Evidence:
    """The evidence in a file, if its inputs are the same; else that of the check, which is stored."""
    if path.exists() and (known := _load(path, inputs)) is not None:
        return known
    evidence = check()
    _save(path, inputs, evidence)
    return evidence


def _digest(method: ResolvedMethod, volumes: Iterable[np.ndarray]) -> str:
    """SHA-256 of all that the evidence depends on, apart from level and kind of the noise."""
    files = [path for path in sorted(Path(__file__).parent.glob("*.py")) if path.name not in _NO_CHECKS]
    content = [method.digest.encode(), *(path.read_bytes() for path in files), *(one.tobytes() for one in volumes)]
    return hashlib.sha256(b"".join(content)).hexdigest()


def _save(path: Path, inputs: str, evidence: Evidence) -> None:
    """Store the crops, and then the rest: evidence with a JSON file is complete."""
    with atomic_write(path.with_suffix(".npz")) as partial, partial.open("wb") as file:
        crops: dict[str, Any] = {name: images.astype(np.float32) for name, images in evidence.crops.items()}
        np.savez_compressed(file, **crops)
    findings = [asdict(finding) for finding in evidence.findings]
    content = {"inputs": inputs, "findings": findings, "lesions": evidence.lesions, "distances": evidence.distances}
    write_text(path, json.dumps(content))


def _load(path: Path, inputs: str) -> Evidence | None:
    """None if the inputs were others, or the file is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["inputs"] != inputs:
            return None
        with np.load(path.with_suffix(".npz")) as crops:
            findings = [Finding(**finding) for finding in content["findings"]]
            return Evidence(findings, content["lesions"], content["distances"], dict(crops))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
