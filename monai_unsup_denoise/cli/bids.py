"""`mri-denoise bids`: from a BIDS dataset to a derivative dataset, with the command line of BIDS Apps."""

import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from monai_unsup_denoise.cli.options import (
    Bundle,
    Dask,
    Device,
    Jobs,
    NonpositiveOption,
    Overwrite,
    Shard,
    Threads,
    Weights,
    check_dask,
    for_workers,
    shard_of,
    with_switches,
)
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_group, write_json
from monai_unsup_denoise.io.bids.dataset import (
    ANATOMICAL_SUFFIXES,
    check_only_one,
    find_scans,
    read_description,
    read_metadata,
)
from monai_unsup_denoise.io.bids.derivative import (
    REPORTS,
    derived_path,
    open_derivative,
    report_path,
    sidecar_content,
)
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr
from monai_unsup_denoise.lean_imports import lean_imports
from monai_unsup_denoise.staging import settle

if TYPE_CHECKING:
    from monai_unsup_denoise.inference import Denoiser
    from monai_unsup_denoise.inference.scans import Steps

_LISTS = ("--participant-label", "--participant_label", "--session-label", "--session_label", "--suffix")


class BidsAppCommand(TyperCommand):
    """Takes several values for an option, as BIDS Apps do: ``--participant-label 01 02``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        words: list[str] = []
        option = None
        for word in args:
            if word.startswith("-"):
                option = word if word in _LISTS else None
                if option is None:
                    words.append(word)
            else:
                words += [option, word] if option else [word]
        return super().parse_args(ctx, words)


@with_switches
def bids(
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="Root folder of the dataset.")],
    output_dir: Annotated[
        Path, typer.Argument(metavar="OUTPUT_DIR", help="Derivative dataset, such as BIDS_DIR/derivatives/mri-denoise.")
    ],
    analysis_level: Annotated[str, typer.Argument(metavar="LEVEL", help="participant, the only level.")],
    participants: Annotated[
        list[str] | None,
        typer.Option(
            "--participant-label",
            "--participant_label",
            metavar="LABEL...",
            help="Participants to denoise. Default: all.",
        ),
    ] = None,
    sessions: Annotated[
        list[str] | None,
        typer.Option(
            "--session-label", "--session_label", metavar="LABEL...", help="Sessions to denoise. Default: all."
        ),
    ] = None,
    suffixes: Annotated[
        list[str] | None,
        typer.Option("--suffix", metavar="SUFFIX...", help="Which images of anat. Default: T1w, PDw and T2w."),
    ] = None,
    model: Weights = None,
    bundle: Bundle = None,
    report: Annotated[
        bool,
        typer.Option(
            help="Write a page about each scan (OUTPUT_DIR/sub-.../figures): before and after, what was removed and "
            "whether it is noise, image quality; and an index of the pages (OUTPUT_DIR/index.html)."
        ),
    ] = True,
    nonpositive: NonpositiveOption = None,
    device: Device = None,
    jobs: Jobs = 1,
    threads: Threads = None,
    shard: Shard = None,
    dask: Dask = None,
    overwrite: Overwrite = False,
    **switches: bool | None,
) -> None:
    """Denoise the anatomical images of a BIDS dataset.

    Outputs are OUTPUT_DIR/sub-.../anat/..._desc-denoised_T1w.nii.gz, each with a sidecar. Existing ones are kept, so
    the same command continues after an interruption.

    A failure does not stop the other scans. Failures are listed at the end, and the exit code is 1.
    """
    if analysis_level != "participant":
        raise InputError(f"{analysis_level}: no such level; give participant, the only one")
    check_dask(dask, jobs)
    if dask:
        bids_dir, output_dir, model, bundle = for_workers(bids_dir, output_dir, model, bundle)
    read_description(bids_dir)
    scans = find_scans(
        bids_dir,
        participants=participants or (),
        sessions=sessions or (),
        suffixes=suffixes or ANATOMICAL_SUFFIXES,
    )
    scans = shard_of(scans, shard)
    with suppress_stderr(), lean_imports():
        from monai_unsup_denoise.inference import Denoiser
        from monai_unsup_denoise.inference.each_scan import denoise_each
        from monai_unsup_denoise.inference.reports import index_of_reports

        settings = {**switches, "nonpositive": nonpositive and nonpositive.value}
        denoiser = Denoiser.from_bundle(bundle, model=model, device=device, settings=settings, progress=True)
    open_derivative(output_dir, source=bids_dir)
    denoise_scan = partial(
        _denoise_scan, denoiser, source=bids_dir, target=output_dir, overwrite=overwrite, report=report
    )
    try:
        with index_of_reports(output_dir, REPORTS) if report else nullcontext():
            on_gpu = denoiser.device.type == "cuda"
            denoise_each(scans, denoise_scan, name=str, jobs=jobs, threads=threads, dask=dask, on_gpu=on_gpu)
    except InputError as error:  # with paths relative to the dataset: its own may name people
        raise InputError(str(error).replace(f"{bids_dir}/", "")) from None


def _denoise_scan(
    denoiser: "Denoiser", scan: PurePosixPath, *, source: Path, target: Path, overwrite: bool, report: bool
) -> "Steps":
    """Write the derivative of a scan, its sidecar and its report, unless they exist, and return a line about it."""
    from monai_unsup_denoise.inference import weights_sha256
    from monai_unsup_denoise.inference.reports import remove_old_report, settings_for_report, write_scan_report
    from monai_unsup_denoise.inference.scans import noise_summary, stop
    from monai_unsup_denoise.io.outputs import check_inside, sidecar_path
    from monai_unsup_denoise.io.volume_writer import write_volume

    check_only_one(source, scan)
    output = target / derived_path(scan)
    page = target / report_path(derived_path(scan))
    check_inside(output, target)
    check_inside(page, target)
    settle(output.parent)  # what an interruption has left
    if output.exists() and sidecar_path(output).exists() and not overwrite:
        lacking = "; it has no report, which --overwrite makes" if report and not page.exists() else ""
        return f"{scan}: already done, skipped{lacking}"
    if not (source / scan).exists():  # a broken link of DataLad
        raise InputError(f"{scan}: its content is not here; fetch it first (datalad get)")
    start = time.perf_counter()
    metadata = read_metadata(source, scan)
    with suppress_stderr():
        image = denoiser.load(source / scan)
    start = yield from stop(start)
    volume = denoiser.denoise_image(image, settings_for_report(denoiser) if report else None)
    start = yield from stop(start)
    used = denoiser.settings.switches() | {"varying_noise": volume.varying_noise}
    content = sidecar_content(
        scan,
        metadata,
        noise=volume.noise_report(),
        digest=weights_sha256(denoiser.model_path) if denoiser.model_path else None,
        options=[name for name, value in used.items() if value],
    )
    with suppress_stderr(), atomic_group(output) as place:
        write_volume(place, volume.denoised, source=source / scan, affine=volume.affine)
        write_json(sidecar_path(place), content)
    if report:
        write_scan_report(page, volume, name=scan.name, settings=denoiser.settings)
    else:
        remove_old_report(page)
    return f"{scan}: {noise_summary(volume.noise_report())}, {time.perf_counter() - start:.1f} s"
