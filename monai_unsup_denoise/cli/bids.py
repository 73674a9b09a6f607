"""`mri-denoise bids`: a BIDS dataset in, a derivative dataset out, by the command line that BIDS Apps share."""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from monai_unsup_denoise.cli.options import (
    Bundle,
    Device,
    Fast,
    KeepFloor,
    Overwrite,
    SelfEnsemble,
    VaryingNoise,
    Weights,
    WhiteNoise,
)
from monai_unsup_denoise.cli.quiet import quiet
from monai_unsup_denoise.cli.words import end_with, noise_found
from monai_unsup_denoise.errors import InputError

if TYPE_CHECKING:
    from monai_unsup_denoise.engines.volume_denoiser import DenoisedVolume, VolumeDenoiser

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
    white_noise: WhiteNoise = False,
    self_ensemble: SelfEnsemble = False,
    keep_floor: KeepFloor = False,
    fast: Fast = False,
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
    with quiet():
        from tqdm import tqdm

        from monai_unsup_denoise.data.bids import ANATOMICAL_SUFFIXES, find_scans, read_description
        from monai_unsup_denoise.data.bids_derivative import open_derivative
        from monai_unsup_denoise.engines.volume_denoiser import VolumeDenoiser
    read_description(bids_dir)
    scans = find_scans(
        bids_dir,
        participants=participants or (),
        sessions=sessions or (),
        suffixes=suffixes or ANATOMICAL_SUFFIXES,
    )
    settings = {
        "varying_noise": varying_noise,
        "noise_stride": [1, 1, 1] if white_noise else None,
        "self_ensemble": self_ensemble,
        "keep_floor": keep_floor,
        "fast": fast,
    }
    with quiet():
        denoiser = VolumeDenoiser(bundle, model=model, device=device, settings=settings, progress=True)
    open_derivative(output_dir, source=bids_dir)
    failures = []
    with tqdm(scans, desc="denoising", unit="scan", disable=None) as bar:
        for scan in bar:
            try:
                line = _denoise_scan(denoiser, scan, settings, source=bids_dir, target=output_dir, overwrite=overwrite)
            except Exception as error:
                reason = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
                reason = reason.replace(f"{bids_dir / scan}", str(scan))
                failures.append(reason if reason.startswith(str(scan)) else f"{scan}: {reason}")
            else:
                tqdm.write(line)
    end_with(failures, scans=len(scans))


def _denoise_scan(
    denoiser: VolumeDenoiser,
    scan: PurePosixPath,
    settings: dict[str, Any],
    *,
    source: Path,
    target: Path,
    overwrite: bool,
) -> str:
    """Write the derivative of one scan and its sidecar, unless both are there, and tell it in a line."""
    from monai_unsup_denoise.data import write_volume
    from monai_unsup_denoise.data.atomic import write_json
    from monai_unsup_denoise.data.bids import metadata_of
    from monai_unsup_denoise.data.bids_derivative import derived_path, sidecar_content
    from monai_unsup_denoise.engines.weights import weights_sha256

    output = target / derived_path(scan)
    sidecar = output.with_name(output.name.removesuffix(".nii.gz") + ".json")
    if output.exists() and sidecar.exists() and not overwrite:
        return f"{scan}: there already"
    if not (source / scan).exists():  # a link of DataLad to what was not fetched
        raise InputError("its content is not here; fetch it first")
    start = time.perf_counter()
    metadata = metadata_of(source, scan)
    with quiet():
        image = denoiser.load(source / scan)
    volume = denoiser.denoise_image(image)
    with quiet():  # an image without its sidecar is what an interruption left
        write_volume(output, volume.denoised, source=source / scan, affine=volume.affine, overwrite=True)
    weights = denoiser.model_path
    content = sidecar_content(
        scan,
        metadata,
        sigma=volume.sigma,
        percent=volume.sigma_percent,
        digest=weights_sha256(weights) if weights else None,
        options=_options(settings, volume),
    )
    write_json(sidecar, content)
    return f"{scan}: {noise_found(volume)}, {time.perf_counter() - start:.1f} s"


def _options(settings: dict[str, Any], volume: DenoisedVolume) -> list[str]:
    """What was on, asked for or found."""
    found = {"varying_noise": volume.noise_varies, "correlated_noise": volume.noise_correlated}
    asked = {name: is_on for name, is_on in settings.items() if name != "noise_stride"}
    return [name for name, is_on in (asked | found).items() if is_on]
