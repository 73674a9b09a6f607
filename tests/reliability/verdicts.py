"""One damaged scan through planning, reading, denoising and writing, and what is to be said of it."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import itk
import numpy as np

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.inference.scans import denoise_job, share_outputs
from monai_unsup_denoise.io.outputs import plan_jobs
from tests.reliability import oracle, oracle_dicom
from tests.reliability.damage_bytes import Rule

#: Seconds of the processor, and bytes of memory, that a scan of some kilobytes may take.
MOST_SECONDS, MOST_MEMORY = 5.0, 2**30

Outcome = Literal["refused", "unchanged", "as it says", "escape"]


@dataclass(frozen=True)
class Verdict:
    """``unchanged``: read as if undamaged. ``as it says``: the damage cannot be seen, and the result is what the file
    now says."""

    outcome: Outcome
    words: str


def judge(denoiser: Denoiser, scan: Path, *, rule: Rule, undamaged: oracle.Truth, to_volume: bool) -> Verdict:
    """Denoise ``scan``, alone in its folder, into the folder ``out`` beside that, and judge what comes of it.

    Args:
        denoiser: that changes nothing.
        scan: a file, or the folder of a series.
        rule: what must become of it.
        undamaged: what the scan said before.
        to_volume: write a NIfTI file, where the scan is a DICOM series.
    """
    inside = scan.parent
    out, temporary = inside.with_name("out"), inside.with_name("tmp")
    temporary.mkdir()
    before = snapshot(inside)
    output = out / _name_of_output(scan, to_volume=to_volume)
    with _watched(temporary) as (seen, problems):
        words = _denoise(denoiser, scan, output, problems)
    if problems:
        return Verdict("escape", "; ".join(problems))
    if snapshot(inside) != before or {path.name for path in inside.parent.iterdir()} - {"in", "out", "tmp"}:
        return Verdict("escape", "changed something outside the output folder")
    if any(temporary.iterdir()):
        return Verdict("escape", "left a temporary file")
    written = snapshot(out) if out.exists() else {}
    if words:
        return _judge_refusal(words, scan, rule, written)
    if rule == "refused":
        return Verdict("escape", "read what must be refused")
    expected = {output.name, f"{re.sub(r'[.].*', '', output.name)}.json"}
    if {name.split("/")[0] for name in written} != expected:
        return Verdict("escape", f"wrote {sorted(written)}")
    return _judge_result(scan, output, rule, undamaged)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Size and content of every file below a folder, hidden ones too, by name."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _name_of_output(scan: Path, *, to_volume: bool) -> str:
    if scan.suffix == "":
        return "result.nii.gz" if to_volume else "result"
    kinds = {".nhdr": ".nrrd", ".mhd": ".mha", ".mnc": ".nii.gz", ".img": ".nii.gz", ".mgh": ".mgh", ".mgz": ".mgz"}
    return "result" + kinds.get(scan.suffix, "".join(scan.suffixes))


def _denoise(denoiser: Denoiser, scan: Path, output: Path, problems: list[str]) -> str:
    """The words of a refusal; empty if it was written."""
    try:
        jobs, _ = plan_jobs(scan, str(output) if output.suffix else f"{output}{os.sep}")
        for job in share_outputs(jobs):
            denoise_job(denoiser, job)
    except InputError as error:
        return str(error) or "nothing said"
    except Exception as error:
        problems.append(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    return ""


@contextmanager
def _watched(temporary: Path) -> Iterator[tuple[None, list[str]]]:
    """Note warnings of our modules, time and memory; temporary files go to a folder that can be looked at."""
    problems: list[str] = []
    before, tempfile.tempdir = tempfile.tempdir, str(temporary)
    memory, start = _memory(peak=True), time.process_time()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield None, problems
        finally:
            tempfile.tempdir = before
    for warning in caught:  # of files that libraries leave open Python says nothing by default
        is_ours = (
            re.search("monai_unsup_denoise|/transforms/", warning.filename) and "site-packages" not in warning.filename
        )
        if is_ours and not issubclass(warning.category, ResourceWarning):
            problems.append(f"warning: {warning.message}")
    if time.process_time() - start > MOST_SECONDS:
        problems.append(f"took {time.process_time() - start:.1f} s")
    if (taken := _memory() - memory) > MOST_MEMORY:
        problems.append(f"took {taken >> 20} MiB of memory")


def _memory(*, peak: bool = False) -> int:
    """Largest resident memory so far; with ``peak``, now, and the largest is forgotten. Linux; 0 elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    if peak:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
    return int(found[1]) * 1024 if found else 0


def _judge_refusal(words: str, scan: Path, rule: Rule, written: dict) -> Verdict:
    first, *listed = words.splitlines()
    if any(not line.startswith("  ") for line in listed) or "Traceback" in words:  # a list of series to choose from
        return Verdict("escape", f"more than one line: {words[:300]!r}")
    if scan.stem not in first or len(first) > 600:
        return Verdict("escape", f"does not name the file, or is long: {first[:300]!r}")
    if written:
        return Verdict("escape", f"refused, but wrote {sorted(written)}")
    if rule == "read":
        return Verdict("escape", f"refused what is not damaged: {first[:300]!r}")
    return Verdict("refused", first)


def _judge_result(scan: Path, output: Path, rule: Rule, undamaged: oracle.Truth) -> Verdict:
    try:
        result = read(output)
    except Exception as error:
        return Verdict("escape", f"its output breaks its format's rules: {type(error).__name__}: {error}")
    sidecar = output.with_name(f"{re.sub(r'[.].*', '', output.name)}.json")
    json.loads(sidecar.read_text(), parse_constant=lambda word: float("not " + word))
    half = 0.51 if output.is_dir() else 0.0  # stored integers
    if difference(result, undamaged, half) is None:
        return Verdict("unchanged", "")
    if rule == "read":
        return Verdict("escape", f"not as the undamaged file: {difference(result, undamaged, half)}")
    try:
        says = read(scan)
    except Exception as error:
        return Verdict("escape", f"read, but the file breaks its format's rules: {type(error).__name__}: {error}")
    why = difference(result, says, half)
    return Verdict("as it says", "") if why is None else Verdict("escape", f"not as the file says: {why}")


def read(path: Path) -> oracle.Truth:
    """What a scan says, by the parsers of the tests; of MINC, for which there is none, by ITK."""
    if path.is_dir():
        return oracle_dicom.read_series(path)
    if path.suffix != ".mnc":
        return oracle.read_file(path)
    image = itk.imread(str(path))
    affine = np.eye(4)
    affine[:3, :3] = itk.array_from_matrix(image.GetDirection()) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return itk.array_from_image(image).T.astype(np.float64), np.diag([-1.0, -1, 1, 1]) @ affine


def difference(result: oracle.Truth, says: oracle.Truth, half: float) -> str | None:
    """How two volumes differ, None if they do not; ``half``: of what voxels are rounded to."""
    values, expected = result[0], says[0]
    if values.shape != expected.shape:
        return f"shape {values.shape} for {expected.shape}"
    error = np.abs(values - expected).max()
    if not error <= 3e-5 * np.abs(expected).max() + half:
        return f"voxels differ by {error:g}"
    if result[1] is None or says[1] is None:
        return None
    size = max(1.0, np.abs(says[1][:3, :3]).max())
    if not np.abs(result[1] - says[1]).max() <= 1e-3 * size + 1e-5 * np.abs(says[1]).max() + (0.2 if half else 0.0):
        return f"affine {np.round(result[1][:3], 3).tolist()} for {np.round(says[1][:3], 3).tolist()}"
    return None
