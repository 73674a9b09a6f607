"""Options of several commands."""

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require

Item = TypeVar("Item")

Weights = Annotated[
    Path | None, typer.Option(help="Weights, such as model.pt of a training. Default: those of the bundle.")
]
Bundle = Annotated[
    Path | None, typer.Option(help="Bundle folder, or its inference config. Default: the bundled model.")
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda:0, ... Default: a GPU if there is one.")]
Jobs = Annotated[
    int,
    typer.Option(min=1, help="Scans of a folder to denoise at a time, each in a process with the model in its memory."),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, show_default=False, help="Threads of each job. Default: the jobs share the processor."),
]
ModelsDir = Annotated[
    Path | None, typer.Option(help="Folder of trained weights, searched before the models of the bundle.")
]
BaselinesPython = Annotated[
    Path | None,
    typer.Option(
        "--baselines-python",
        help="Interpreter of the environment with the baselines. Default: that of `make baselines` in the checkout "
        "that the package is installed from, if there is one.",
    ),
]
MethodThreads = Annotated[int, typer.Option(min=1, metavar="NUMBER", help="Threads for each method.")]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Denoise only every Nth scan, from the Ith on (I from 1 to N), as one of N jobs of a cluster.",
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="SCHEDULER",
        help="Denoise the scans of a folder on the workers of a Dask cluster: tcp://HOST:PORT, a scheduler file "
        "(.json), or local for --jobs workers on this machine.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")]


class Nonpositive(str, Enum):
    refuse = "refuse"
    clip = "clip"


NonpositiveOption = Annotated[
    Nonpositive | None,
    typer.Option(
        "--nonpositive",
        show_default=False,
        help="Negative or NaN voxels: refuse the scan, or clip them to 0 where they are small, as splines leave them, "
        "and NaN few or in the background. Default: refuse.",
    ),
]


def shard_of(items: list[Item], shard: str | None) -> list[Item]:
    """The items that are for ``shard``, such as 2/8; all for None.

    Raises:
        InputError: for another form, or a number out of range.
    """
    if shard is None:
        return items
    found = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", shard)
    if not found or int(found[1]) > int(found[2]):
        raise InputError(f"--shard {shard}: give I/N, I from 1 to N, such as 2/8")
    return items[int(found[1]) - 1 :: int(found[2])]


def check_dask(dask: str | None, jobs: int) -> None:
    """Check, before any work is done, that a cluster can be used.

    Raises:
        InputError: if Dask is not installed, or ``jobs`` is given for a cluster that has its own workers.
    """
    if dask is None:
        return
    require(extra="scale")
    if dask != "local" and jobs > 1:
        raise InputError(f"--jobs {jobs}: the cluster {dask} has its own workers; leave it out")


def for_workers(*paths: Path | None) -> Iterator[Any]:
    """The paths as processes in other current folders find them; None stays."""
    return (path and path.expanduser().absolute() for path in paths)


#: The switches of `DenoiseSettings`. Left out, the bundle decides.
_SWITCHES = {
    "varying_noise": "Estimate a spatially varying noise level (parallel imaging), or assume one level. Default: "
    "decided from the scan.",
    "refine": "Run the refinement stage (non-local Bayes), or skip it: faster, 0.2 to 0.4 dB lower PSNR. Default: run.",
    "self_ensemble": "Average over the 8 mirror images of the scan: 8 times slower. Default: no.",
    "keep_floor": "Keep the Rician noise floor, as in the mean of many noisy scans. Default: no.",
}


_Strength = Annotated[
    float | None,
    typer.Option(
        "--strength",
        metavar="SHARE",
        show_default=False,
        help="Share of the change to make, above 0 and at most 1. 0.8 leaves a fifth of the noise, and more of faint "
        "lesions. Default: 1.",
    ),
]


def with_switches(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each switch and for the strength, in place of its ``**switches``."""
    parameters = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.kind != p.VAR_KEYWORD]
    for name, text in _SWITCHES.items():
        flag = name.replace("_", "-")
        option = Annotated[bool | None, typer.Option(f"--{flag}/--no-{flag}", help=text, show_default=False)]
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option))
    parameters.append(inspect.Parameter("strength", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Strength))
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


#: Options of earlier versions, and why they are gone.
_READ = "correlation is read from the scan; leave it out"
REMOVED = {"--correlated-noise": _READ, "--no-correlated-noise": _READ, "--white-noise": _READ}

#: Options of version 0.5 and their new names. The old ones work for one release.
RENAMED = {
    "--map": "--maps",
    "--fast": "--no-refine",
    "--even-noise": "--no-varying-noise",
    "--peers-python": "--baselines-python",
}


def with_new_names(arguments: list[str]) -> list[str]:
    """The command line with new names for old options, and a warning for each.

    Raises:
        InputError: for an option that is gone.
    """
    words = []
    for word in arguments:
        name, equals, value = word.partition("=")
        if name in REMOVED:
            raise InputError(f"{name}: {REMOVED[name]}")
        if name in RENAMED:
            message = f"warning: {name} is now {RENAMED[name]}; the old name will be removed in the next release"
            typer.echo(message, err=True)
            word = f"{RENAMED[name]}{equals}{value}"
        words.append(word)
    return words
