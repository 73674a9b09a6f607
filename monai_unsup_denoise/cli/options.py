"""Options of several commands."""

import inspect
from collections.abc import Callable
from functools import wraps
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

#: The switches of `DenoiseSettings`. Left out, the bundle decides.
_SWITCHES = {
    "varying_noise": "Estimate a spatially varying noise level (parallel imaging), or assume one level. Default: "
    "decided from the scan.",
    "correlated_noise": "Assume spatially correlated noise (zero filling, filtering, resampling), or uncorrelated "
    "noise. Default: decided from the scan.",
    "refine": "Run the refinement stage (non-local Bayes), or skip it: faster, 0.2 to 0.4 dB lower PSNR. Default: run.",
    "self_ensemble": "Average over the 8 mirror images of the scan: 8 times slower. Default: no.",
    "keep_floor": "Keep the Rician noise floor, as in the mean of many noisy scans. Default: no.",
}


def with_switches(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each switch in place of its argument ``switches``, a dictionary of them."""

    @wraps(command)
    def run(**options: Any) -> None:
        command(switches={name: options.pop(name) for name in _SWITCHES}, **options)

    switches = []
    for name, text in _SWITCHES.items():
        flag = name.replace("_", "-")
        option = Annotated[bool | None, typer.Option(f"--{flag}/--no-{flag}", help=text, show_default=False)]
        switches.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option))
    own = inspect.signature(command, eval_str=True).parameters.values()
    signature = inspect.Signature([new for old in own for new in (switches if old.name == "switches" else [old])])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    return run


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
