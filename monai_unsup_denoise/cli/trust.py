"""`mri-denoise trust`: what denoisers keep and what they invent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.options import BaselinesPython, MethodThreads, ModelsDir
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

_FEWEST = 3  # subjects, for enough lesions of each kind


def trust(
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Method of `mri-denoise benchmark`; can be repeated. Default: ours, beside noisy."
        ),
    ] = None,
    noise: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Kind of noise, such as zero_filled; can be repeated. Default: white."),
    ] = None,
    level: Annotated[
        float, typer.Option(metavar="PERCENT", help="Noise level in percent of the maximum.", min=0.1, max=50)
    ] = 5.0,
    subjects: Annotated[int, typer.Option(min=_FEWEST, metavar="N", help="Number of phantom heads, up to 8.")] = 8,
    slices: Annotated[int, typer.Option(min=32, metavar="N", help="Middle slices of each.")] = 48,
    every_level: Annotated[
        bool,
        typer.Option(
            "--every-level",
            help="Also measure the error before and after at 0.5 to 20 %, in three contrasts, and without noise.",
        ),
    ] = False,
    models_dir: ModelsDir = None,
    baselines_python: BaselinesPython = None,
    output_dir: Annotated[
        Path, typer.Option(help="Folder for trust.csv and trust.md; what is finished in it is not computed again.")
    ] = Path("trust"),
    threads: MethodThreads = 1,
) -> None:
    """Check what denoisers keep and what they invent, on phantom heads with lesions, spots and artefacts drawn in.

    Lesions: their contrast and size, and how well a model observer detects them. One spot or two. Lesions that are not
    there. Tissue means and volumes. Artefacts, which have to stay. "noisy" is the image before denoising.
    """
    require(extra="benchmark")
    with suppress_stderr():
        from monai_unsup_denoise.benchmark.methods import choose_methods, find_environments, resolve_method
        from monai_unsup_denoise.benchmark.noise_kinds import find_kinds
        from monai_unsup_denoise.benchmark.trust.run import run_trust
        from monai_unsup_denoise.benchmark.trust.subjects import SUBJECTS
        from monai_unsup_denoise.benchmark.worker import MethodError
    if subjects > len(SUBJECTS):
        raise InputError(f"--subjects {subjects}: there are {len(SUBJECTS)} that no training has seen; give fewer")
    bundle = bundle_folder()
    settings = json.loads((bundle / "configs" / "benchmark.json").read_text(encoding="utf-8"))
    entries = settings["methods"] | settings["more_methods"]
    chosen = choose_methods(entries, ["noisy", *(method or ["ours"])])
    environments = find_environments(baselines_python)
    folders = [*([models_dir] if models_dir else []), bundle / "models"]
    methods = [
        resolve_method(one, environments=environments, model_folders=folders, configs=bundle / "configs")
        for one in chosen
    ]
    try:
        run_trust(
            methods,
            SUBJECTS[:subjects],
            level=level,
            kinds=find_kinds(noise or ["white"]),
            slices=slices,
            folder=output_dir,
            every_level=every_level,
            threads=threads,
        )
    except MethodError as error:
        raise InputError(str(error)) from error
    for name in ("trust.csv", "trust.md"):
        typer.echo(output_dir / name)
