"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Weights = Annotated[Path | None, typer.Option(help="Weights, such as the model.pt of a training; else the bundle's.")]
Bundle = Annotated[
    Path | None, typer.Option(help="Folder of a bundle, or its inference config; else the one that comes along.")
]
Device = Annotated[str | None, typer.Option(help="Where to compute, cpu or cuda:0; else a GPU where there is one.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
VaryingNoise = Annotated[
    bool | None,
    typer.Option(
        "--varying-noise/--even-noise",
        help="Let the noise level vary smoothly over the scan, or take one; else what the scan shows.",
        show_default=False,
    ),
]
WhiteNoise = Annotated[
    bool,
    typer.Option("--white-noise", help="Take the noise of neighbouring voxels for independent; else what is found."),
]
SelfEnsemble = Annotated[bool, typer.Option("--self-ensemble", help="Average over mirror images: denoises 8 times.")]
Fast = Annotated[
    bool,
    typer.Option("--fast", help="Leave out the second look, non-local Bayes: quicker, 0.2 to 0.4 dB worse."),
]
KeepFloor = Annotated[
    bool, typer.Option("--keep-floor", help="Leave the Rician noise floor in: the mean of many noisy scans.")
]
