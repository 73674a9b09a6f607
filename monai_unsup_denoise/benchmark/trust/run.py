"""The loop over methods, kinds of noise and subjects, and the table that it fills."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.trust.evidence import Evidence, gather, summarise
from monai_unsup_denoise.benchmark.trust.scene import Finding
from monai_unsup_denoise.benchmark.trust.subjects import Subject, load_subject
from monai_unsup_denoise.benchmark.worker import run_method
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write, write_text

COLUMNS = ("kind", "level", "method", "check", "group", "value", "error", "count")


def run_trust(
    methods: Sequence[ResolvedMethod],
    subjects: Sequence[int],
    *,
    level: float,
    kinds: Sequence[str],
    slices: int,
    folder: Path,
    threads: int = 1,
) -> pd.DataFrame:
    """Check every method with every kind of noise; write ``trust.csv`` after each.

    What is finished is not computed again, unless its inputs or the checks have changed.

    Args:
        methods: resolved for this machine.
        subjects: numbers of phantoms.
        level: of the noise, in percent.
        kinds: of the noise, names of `SCANNER_KINDS`.
        slices: of each subject.
        folder: for the table, and ``cells`` for what is finished.
        threads: that the libraries of a method may use.

    Raises:
        InputError: if a method lacks packages or weights.
        MethodError: if one fails.
    """
    for method in methods:
        if method.unavailable_reason:
            raise InputError(f"--method {method.method.name}: {method.unavailable_reason}")
    heads = [load_subject(number, slices=slices) for number in tqdm(subjects, desc="phantoms", disable=None)]
    rows: list[dict] = []
    with tqdm(total=len(methods) * len(kinds) * len(heads), unit="subject", disable=None) as bar:
        for method in methods:
            for kind in kinds:
                bar.set_description(f"{method.method.name}, {kind}")
                evidence = []
                for head in heads:
                    evidence.append(_evidence(method, head, level, kind, folder / "cells", threads, bar))
                    bar.update()
                named = {"kind": kind, "level": level, "method": method.method.name}
                rows += [named | row for row in summarise(evidence)]
                table = pd.DataFrame(rows, columns=list(COLUMNS)).round({"value": 5, "error": 5})
                with atomic_write(folder / "trust.csv") as partial:
                    table.to_csv(partial, index=False)
    return table


def _evidence(
    method: ResolvedMethod, head: Subject, level: float, kind: str, cells: Path, threads: int, bar: tqdm
) -> Evidence:
    path = cells / method.method.name / f"{kind}_{level:g}_{head.name}.json"
    inputs = _digest(method, head, level, kind)
    if path.exists() and (known := _load(path, inputs)) is not None:
        return known
    entry = method.method

    def denoise(noisy: np.ndarray, sigma: float, spectrum: np.ndarray | None) -> np.ndarray:
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

    evidence = gather(head, denoise, level=level, kind=kind)
    _save(path, inputs, evidence)
    return evidence


def _digest(method: ResolvedMethod, head: Subject, level: float, kind: str) -> str:
    """SHA-256 of all that the evidence depends on."""
    checks = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    voxels = head.clean.tobytes() + head.tissue.tobytes()
    return hashlib.sha256(f"{method.digest} {level:g} {kind}".encode() + checks + voxels).hexdigest()


def _save(path: Path, inputs: str, evidence: Evidence) -> None:
    """Store the crops, and then the rest: evidence with a JSON file is complete."""
    with atomic_write(path.with_suffix(".npz")) as partial, partial.open("wb") as file:
        crops: dict[str, Any] = {name: images.astype(np.float32) for name, images in evidence.crops.items()}
        np.savez_compressed(file, **crops)
    findings = [asdict(finding) for finding in evidence.findings]
    content = {"inputs": inputs, "findings": findings, "lesions": evidence.lesions, "distances": evidence.distances}
    write_text(path, json.dumps(content))


def _load(path: Path, inputs: str) -> Evidence | None:
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["inputs"] != inputs:
        return None
    with np.load(path.with_suffix(".npz")) as crops:
        findings = [Finding(**finding) for finding in content["findings"]]
        return Evidence(findings, content["lesions"], content["distances"], dict(crops))
