"""Options of several commands. Switches have the names of `DenoiseSettings`; left out, the bundle decides."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

Weights = Annotated[Path | None, typer.Option(help="Weights, such as the model.pt of a training; else the bundle's.")]
Bundle = Annotated[
    Path | None, typer.Option(help="Folder of a bundle, or its inference config; else the bundled model.")
]
Device = Annotated[str | None, typer.Option(help="Where to compute, cpu or cuda:0; else a GPU where there is one.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
VaryingNoise = Annotated[
    bool | None,
    typer.Option(
        "--varying-noise/--no-varying-noise",
        help="Estimate a spatially varying noise level (parallel imaging), or assume one level. Default: decided from "
        "the scan.",
        show_default=False,
    ),
]
CorrelatedNoise = Annotated[
    bool | None,
    typer.Option(
        "--correlated-noise/--no-correlated-noise",
        help="Assume spatially correlated noise (zero filling, filtering, resampling), or uncorrelated noise. Default: "
        "decided from the scan.",
        show_default=False,
    ),
]
Refine = Annotated[
    bool | None,
    typer.Option(
        "--refine/--no-refine",
        help="Run the refinement stage (non-local Bayes), or skip it: faster, 0.2 to 0.4 dB lower PSNR. Default: run.",
        show_default=False,
    ),
]
SelfEnsemble = Annotated[
    bool | None,
    typer.Option(
        "--self-ensemble/--no-self-ensemble",
        help="Average over 8 mirror images; 8 times as slow. Default: no.",
        show_default=False,
    ),
]
KeepFloor = Annotated[
    bool | None,
    typer.Option(
        "--keep-floor/--no-keep-floor",
        help="Keep the Rician noise floor, as the mean of many noisy scans has it. Default: no.",
        show_default=False,
    ),
]


class OutputMap(str, Enum):
    """Maps that can be written beside the denoised scan."""

    sigma = "sigma"
    residual = "residual"
    uncertainty = "uncertainty"


Maps = Annotated[
    list[OutputMap] | None,
    typer.Option(
        "--maps",
        help="Write this map, too: the noise level of each voxel, what was removed, or the standard deviation of the "
        "expected error; can be repeated.",
    ),
]

#: Options of version 0.5, and what replaces them. They work for one release.
RENAMED = {
    "--map": "--maps",
    "--fast": "--no-refine",
    "--even-noise": "--no-varying-noise",
    "--white-noise": "--no-correlated-noise",
}


def with_new_names(arguments: list[str]) -> list[str]:
    """The command line with renamed options replaced; each is named on stderr."""
    words = []
    for word in arguments:
        name, equals, value = word.partition("=")
        if name in RENAMED:
            typer.echo(f"warning: {name} is now {RENAMED[name]}; the old name goes with the next release", err=True)
            word = f"{RENAMED[name]}{equals}{value}"
        words.append(word)
    return words


def chosen_settings(maps: list[OutputMap] | None = None, **switches: bool | None) -> dict[str, Any]:
    """What was chosen on the command line, by the ids of the inference config; None leaves the bundle's choice."""
    return {**switches, "maps": [name.value for name in maps] if maps else None}
