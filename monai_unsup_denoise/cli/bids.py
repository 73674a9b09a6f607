"""`mri-denoise bids`: a BIDS dataset in, a derivative dataset out, by the command line that BIDS Apps share."""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from monai_unsup_denoise.cli.messages import exit_with_failures
from monai_unsup_denoise.cli.options import (
    Bundle,
    CorrelatedNoise,
    Device,
    KeepFloor,
    Overwrite,
    Refine,
    SelfEnsemble,
    VaryingNoise,
    Weights,
    chosen_settings,
)
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

if TYPE_CHECKING:
    from monai_unsup_denoise.inference import Denoiser

_LISTS = ("--participant-label", "--participant_label", "--session-label", "--session_label", "--suffix")


class BidsAppCommand(TyperCommand):
    """Takes ``--participant-label 01 02``, as BIDS Apps do: each word up to the next option is one more value."""

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


def bids(
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", help="The dataset.", show_default=False)],
    output_dir: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUT_DIR",
            help="The derivative dataset, such as BIDS_DIR/derivatives/mri-denoise.",
            show_default=False,
        ),
    ],
    analysis_level: Annotated[str, typer.Argument(metavar="LEVEL", help="participant, the only level there is.")],
    participants: Annotated[
        list[str] | None,
        typer.Option("--participant-label", "--participant_label", metavar="LABEL...", help="Participants; else all."),
    ] = None,
    sessions: Annotated[
        list[str] | None,
        typer.Option("--session-label", "--session_label", metavar="LABEL...", help="Sessions; else all."),
    ] = None,
    suffixes: Annotated[
        list[str] | None,
        typer.Option("--suffix", metavar="SUFFIX...", help="Which images of anat; else T1w, PDw and T2w."),
    ] = None,
    model: Weights = None,
    bundle: Bundle = None,
    varying_noise: VaryingNoise = None,
    correlated_noise: CorrelatedNoise = None,
    refine: Refine = None,
    self_ensemble: SelfEnsemble = None,
    keep_floor: KeepFloor = None,
    device: Device = None,
    overwrite: Overwrite = False,
) -> None:
    """Denoise the anatomical images of a BIDS dataset.

    Each becomes sub-.../anat/..._desc-denoised_T1w.nii.gz with a sidecar, in OUTPUT_DIR and nowhere else. What is
    there already is kept, so that the same command goes on where it was interrupted.

    Scans that cannot be denoised do not stop the others: they are listed at the end, and the exit code is 1.
    """
    if analysis_level != "participant":
        raise InputError(f"{analysis_level}: no such level; there is only: participant")
    with suppress_stderr():
        from monai_unsup_denoise.inference import Denoiser
        from monai_unsup_denoise.inference.scans import denoise_each
        from monai_unsup_denoise.io.bids.dataset import ANATOMICAL_SUFFIXES, find_scans, read_description
        from monai_unsup_denoise.io.bids.derivative import open_derivative
    read_description(bids_dir)
    scans = find_scans(
        bids_dir,
        participants=participants or (),
        sessions=sessions or (),
        suffixes=suffixes or ANATOMICAL_SUFFIXES,
    )
    settings = chosen_settings(
        varying_noise=varying_noise,
        correlated_noise=correlated_noise,
        refine=refine,
        self_ensemble=self_ensemble,
        keep_floor=keep_floor,
    )
    with suppress_stderr():
        denoiser = Denoiser.from_bundle(bundle, model=model, device=device, settings=settings, progress=True)
    open_derivative(output_dir, source=bids_dir)
    failures = denoise_each(
        scans,
        lambda scan: _denoise_scan(denoiser, scan, source=bids_dir, target=output_dir, overwrite=overwrite),
        name=str,
    )
    exit_with_failures([_below(bids_dir, failure) for failure in failures], scans=len(scans))


def _below(dataset: Path, failure: str) -> str:
    """The failure with the scan's path below the dataset: that of the dataset may name a person."""
    return failure.replace(f"{dataset}/", "")


def _denoise_scan(denoiser: Denoiser, scan: PurePosixPath, *, source: Path, target: Path, overwrite: bool) -> str:
    """Write the derivative of one scan and its sidecar, unless both are there, and return a line about it."""
    from monai_unsup_denoise.files import write_json
    from monai_unsup_denoise.inference import weights_sha256
    from monai_unsup_denoise.inference.scans import noise_summary
    from monai_unsup_denoise.io.bids.dataset import read_metadata
    from monai_unsup_denoise.io.bids.derivative import derived_path, sidecar_content
    from monai_unsup_denoise.io.volume_writer import write_volume

    output = target / derived_path(scan)
    sidecar = output.with_name(output.name.removesuffix(".nii.gz") + ".json")
    if output.exists() and sidecar.exists() and not overwrite:
        return f"{scan}: already done, skipped"
    if not (source / scan).exists():  # a link of DataLad to content that was not fetched
        raise InputError(f"{scan}: its content is not here; fetch it first")
    start = time.perf_counter()
    metadata = read_metadata(source, scan)
    with suppress_stderr():
        image = denoiser.load(source / scan)
    volume = denoiser.denoise_image(image)
    with suppress_stderr():  # an image without its sidecar was left by an interruption
        write_volume(output, volume.denoised, source=source / scan, affine=volume.affine, overwrite=True)
    used = denoiser.settings.switches() | volume.noise_report()
    content = sidecar_content(
        scan,
        metadata,
        sigma=volume.sigma,
        percent=volume.sigma_percent,
        digest=weights_sha256(denoiser.model_path) if denoiser.model_path else None,
        options=[name for name in denoiser.settings.switches() if used[name]],
    )
    write_json(sidecar, content)
    return f"{scan}: {noise_summary(volume)}, {time.perf_counter() - start:.1f} s"
