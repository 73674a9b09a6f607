"""Options of several commands. Switches have the names of `DenoiseSettings`; left out, the bundle decides."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

Weights = Annotated[
    Path | None, typer.Option(help="Weights, such as model.pt of a training. Default: those of the bundle.")
]
Bundle = Annotated[
    Path | None, typer.Option(help="Bundle folder, or its inference config. Default: the bundled model.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda:0, ... Default: a GPU if there is one.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]


def _switch(name: str, text: str) -> Any:
    return typer.Option(f"--{name}/--no-{name}", help=text, show_default=False)


VaryingNoise = Annotated[
    bool | None,
    _switch(
        "varying-noise",
        "Estimate a spatially varying noise level (parallel imaging), or assume one level. Default: decided from the "
        "scan.",
    ),
]
CorrelatedNoise = Annotated[
    bool | None,
    _switch(
        "correlated-noise",
        "Assume spatially correlated noise (zero filling, filtering, resampling), or uncorrelated noise. Default: "
        "decided from the scan.",
    ),
]
Refine = Annotated[
    bool | None,
    _switch(
        "refine",
        "Run the refinement stage (non-local Bayes), or skip it: faster, 0.2 to 0.4 dB lower PSNR. Default: run.",
    ),
]
SelfEnsemble = Annotated[
    bool | None,
    _switch("self-ensemble", "Average over the 8 mirror images of the scan: 8 times slower. Default: no."),
]
KeepFloor = Annotated[
    bool | None,
    _switch("keep-floor", "Keep the Rician noise floor, as in the mean of many noisy scans. Default: no."),
]


class OutputMap(str, Enum):
    """Maps that can be written with the denoised scan."""

    sigma = "sigma"
    residual = "residual"
    uncertainty = "uncertainty"


Maps = Annotated[
    list[OutputMap] | None,
    typer.Option(
        "--maps",
        help="Also write a map: noise level per voxel (sigma), input minus output (residual), or standard deviation "
        "of the expected error (uncertainty). Can be repeated.",
    ),
]

#: Options of version 0.5 and their new names. The old ones work for one release.
RENAMED = {
    "--map": "--maps",
    "--fast": "--no-refine",
    "--even-noise": "--no-varying-noise",
    "--white-noise": "--no-correlated-noise",
}


def with_new_names(arguments: list[str]) -> list[str]:
    """The command line with new names for old options, and a warning for each."""
    words = []
    for word in arguments:
        name, equals, value = word.partition("=")
        if name in RENAMED:
            message = f"warning: {name} is now {RENAMED[name]}; the old name will be removed in the next release"
            typer.echo(message, err=True)
            word = f"{RENAMED[name]}{equals}{value}"
        words.append(word)
    return words


def chosen_settings(maps: list[OutputMap] | None = None, **switches: bool | None) -> dict[str, Any]:
    """Settings by their ids in the inference config; None leaves the bundle's."""
    return {**switches, "maps": [name.value for name in maps] if maps else None}
