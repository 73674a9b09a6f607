"""`mri-denoise train` and `evaluate`: run the bundle's training, or its evaluation."""

import os
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.options import Weights
from monai_unsup_denoise.cli.run_bundle import bundle_command, config_files, run_bundle
from monai_unsup_denoise.extras import require


def train(
    context: typer.Context,
    noisy_dir: Annotated[
        Path | None, typer.Option(help="Noisy scans: a folder or a MONAI datalist. Default: phantoms.")
    ] = None,
    clean_dir: Annotated[
        Path | None,
        typer.Option(help="Clean scans of other subjects: a folder or a MONAI datalist. Default: phantoms."),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            help="Config that changes train.json: a name such as train_paper.json, or a path; can be repeated."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Length of the training, in epochs.")] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder for all output, model.pt too. Default: the bundle's, which replaces the bundled weights."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the latest checkpoint.")] = False,
) -> None:
    """Train the bundle, tracked in MLflow.

    Any other id of the config can be set with key=value or --key value, as in `python -m monai.bundle run`:
    mri-denoise train --epochs 40 batch_size=16
    Paths are taken as they are; in other values MONAI evaluates what begins with $.

    If the bundle is read-only (installed for all users), output goes to ./mri_denoise_output.
    """
    require(extra="train")
    folder = output_dir or _default_output_dir()
    model = folder and folder / "model.pt"
    settings = {
        "noisy_dir": noisy_dir,
        "clean_dir": clean_dir,
        "max_epochs": epochs,
        "output_dir": folder,
        "model_path": model,
        "resume": resume or None,
    }
    run_bundle(bundle_command("training", config_files(config or []), settings, context.args))
    if model:
        typer.echo(f"The best model is {model}: mri-denoise denoise IN OUT --model {model}")


def evaluate(
    context: typer.Context,
    model: Weights = None,
    test_dir: Annotated[
        Path | None, typer.Option(help="Clean scans to add noise to: a folder or a MONAI datalist. Default: phantoms.")
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(help="Config that the model was trained with, such as train_paper.json; can be repeated."),
    ] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Folder for all output. Default: the bundle's.")] = None,
) -> None:
    """Measure a model: PSNR and SSIM at each noise level, on clean scans with fixed noise.

    Any other id of the config can be set with key=value or --key value, as in `python -m monai.bundle run`.
    """
    require(extra="train")
    configs = config_files([*(config or []), str(bundle_folder() / "configs" / "evaluate.json")])
    settings = {"test_dir": test_dir, "model_path": model, "output_dir": output_dir or _default_output_dir()}
    run_bundle(bundle_command("run", configs, settings, context.args))


def _default_output_dir() -> Path | None:
    """None where the bundle can be written in; else a folder in the current one."""
    return None if os.access(bundle_folder(), os.W_OK) else Path("mri_denoise_output")
