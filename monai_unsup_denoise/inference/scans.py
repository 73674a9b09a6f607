"""A scan in, the denoised scan out, in steps: what the command line and the bundle do with each."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_group, check_writable, write_json
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.reports import remove_old_report, settings_for_report, write_scan_report
from monai_unsup_denoise.inference.weights import weights_sha256
from monai_unsup_denoise.inference.written import write_outputs, write_volumes
from monai_unsup_denoise.io.dicom import check_folder, read_series
from monai_unsup_denoise.io.nibabel_formats import why_sides_unsure
from monai_unsup_denoise.io.outputs import Job, map_path, report_path, sidecar_path
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr
from monai_unsup_denoise.io.volume_writer import VoxelType, check_output
from monai_unsup_denoise.io.volumes import open_volumes

#: A scan on its way: reads, stops, computes, stops, writes, and returns a line about it. It may return before.
Steps = Generator[None, None, str]


def complete(steps: Steps) -> str:
    """Take all steps of a scan; the line about it."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        return end.value


def stop(start: float) -> Generator[None, None, float]:
    """Stop between two steps; ``start``, of a clock that stands meanwhile."""
    before = time.perf_counter()
    yield
    return start + time.perf_counter() - before


def denoise_job(denoiser: Denoiser, job: Job, **options: Any) -> str:
    """All of `denoise_in_steps`."""
    return complete(denoise_in_steps(denoiser, job, **options))


def denoise_in_steps(
    denoiser: Denoiser,
    job: Job,
    *,
    dtype: VoxelType = "float32",
    overwrite: bool = False,
    volume: int | None = None,
    report: bool = False,
) -> Steps:
    """Denoise one scan, write it with its maps, its sidecar and a ``report`` on it, and return a line about it.

    ``volume`` is the only one to denoise of a NIfTI file with several, counted from 0. The volumes of others are read,
    computed and written in turn, as one step; their report is on the first that is not zero.

    Raises:
        InputError: if it cannot be read or written.
    """
    check = partial(check_job, job, denoiser.settings.maps, report=report, overwrite=overwrite)
    check()
    start = time.perf_counter()
    with suppress_stderr():
        volumes = open_volumes(job.scan) if volume is None else None
        if volumes is None and job.series is not None:
            image = denoiser.wrap(read_series(job.series))
        elif volumes is None:
            image = denoiser.load(job.scan, volume=volume)
    start = yield from stop(start)
    if volumes is None:
        denoised = denoiser.denoise_image(image, settings_for_report(denoiser) if report else None)
        start = yield from stop(start)
    why = why_sides_unsure(job.scan)
    # A series is named by its number: its folder may be named after a person.
    source = job.scan.name if job.series is None else f"DICOM series {job.series.number}"
    digest = weights_sha256(denoiser.model_path) if denoiser.model_path else None
    precision = denoiser.inferer.precision
    provenance = {"model_sha256": digest, "monai_unsup_denoise": __version__, "precision": precision}
    with atomic_group(job.output) as place:  # image, maps and sidecar: all of them, or none
        hidden = replace(job, output=place)
        if volumes is not None:
            titled = source if report else None
            about = write_volumes(denoiser, volumes, hidden, dtype=dtype, overwrite=overwrite, reported_as=titled)
        else:
            with suppress_stderr():
                write_outputs(hidden, denoised, maps=denoiser.settings.maps, dtype=dtype, overwrite=overwrite)
            if report:
                write_scan_report(report_path(place), denoised, name=source, settings=denoiser.settings, note=why)
            about = ({} if volume is None else {"volume": volume}) | denoised.noise_report()
        write_json(sidecar_path(place), {"Sources": [source]} | about | provenance)
        check()  # that nobody else has written there meanwhile
    if not report:
        remove_old_report(report_path(job.output))
    note = f" ({why})" if why else ""
    seconds = time.perf_counter() - start
    return f"{job.scan}: {noise_summary(about)}, {seconds:.1f} s in {precision} -> {job.output}{note}"


def check_job(job: Job, maps: Sequence[str], *, report: bool = False, overwrite: bool = False) -> None:
    """Say before any work is done if a scan cannot be denoised or its outputs cannot be written.

    Raises:
        InputError: naming the scan or the output.
    """
    scan, output = job.scan, job.output
    if scan.is_dir() and job.series is None:
        raise InputError(f"{scan}: no DICOM image in this folder, or none that can be read; copy it again")
    if job.is_shared:
        raise InputError(f"{scan}: another scan would be written to {output}, or its .json, too; denoise it by itself")
    paths = [map_path(output, name) for name in maps]
    if job.writes_dicom and job.series is not None:
        check_folder(output, source=job.series, overwrite=overwrite)
    else:
        paths.append(output)
    for path in paths:
        check_output(path, source=scan, overwrite=overwrite)
    sidecar = sidecar_path(output)
    check_writable(sidecar, overwrite=True)
    if sidecar.exists() and not _is_ours(sidecar):
        raise InputError(f"{sidecar}: exists already and is not of mri-denoise; give another output")
    check_writable(sidecar, overwrite=overwrite)
    if report:
        check_writable(report_path(output), overwrite=overwrite)


def is_written(job: Job) -> bool:
    """Whether all outputs of a scan are there: the sidecar comes last."""
    return job.output.exists() and sidecar_path(job.output).exists()


def _is_ours(sidecar: Path) -> bool:
    """Whether an earlier run wrote this sidecar."""
    try:
        return "monai_unsup_denoise" in json.loads(sidecar.read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def noise_summary(report: Mapping[str, Any]) -> str:
    """A `DenoisedVolume.noise_report` as one clause."""
    clipped = f", {report['clipped_voxels']} negative or NaN voxels set to 0" if "clipped_voxels" in report else ""
    unlike = "; unlike the scans that this model was trained on: look at the result" if "distance" in report else ""
    less = f", only {report['change_percent']} % of the change made" if "change_percent" in report else ""
    less += f", strength {report['strength']:g}" if "strength" in report else ""
    if report["sigma"] is None:
        return f"this model does not estimate the noise level{less}{clipped}{unlike}"
    volumes = f"{report['volumes']} volumes, " if "volumes" in report else ""
    percent = "" if report["sigma_percent"] is None else f" ({report['sigma_percent']:.1f} % of the maximum)"
    varying = ", spatially varying" if report["varying_noise"] else ""
    along = ", ".join(f"{round(value, 2) + 0.0:.2f}" for value in report["correlation"])
    correlated = f", spatially correlated ({along} along x, y, z)" if report["correlated_noise"] else ""
    coils = f", sum of squares of about {report['coils']} coils" if "coils" in report else ""
    error = f", uncertain by about {report['sigma_error_percent']:.0f} %"
    uncertain = "" if report.get("sigma_is_sure", True) else error
    level = f"{volumes}sigma {report['sigma']:.4g}{percent}"
    return f"{level}{varying}{correlated}{coils}{uncertain}{less}{clipped}{unlike}"


def share_outputs(jobs: Sequence[Job]) -> list[Job]:
    """The jobs, with those marked that would write to one place."""
    count = Counter(sidecar_path(job.output) for job in jobs)
    return [replace(job, is_shared=count[sidecar_path(job.output)] > 1) for job in jobs]
