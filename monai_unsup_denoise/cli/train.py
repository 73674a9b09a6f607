"""`mri-denoise train`: run the bundle's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.cli.run_bundle import config_files, default_output_dir, run_bundle
from monai_unsup_denoise.extras import require


def train(
    context: typer.Context,
    noisy_dir: Annotated[
        Path | None, typer.Option(help="Your noisy scans: a folder or a MONAI datalist; else phantoms.")
    ] = None,
    clean_dir: Annotated[
        Path | None, typer.Option(help="Clean scans of other subjects: the same; else phantoms.")
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(help="Config laid over train.json, as train_paper.json or a path; can be repeated."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Length of the training, in epochs.")] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(help="Folder for all output, model.pt too; else the bundle's."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume from the latest checkpoint.")] = False,
) -> None:
    """Train the bundle, tracked in MLflow.

    Any other id of the config can be set with key=value or --key value, as in `python -m monai.bundle run`:
    mri-denoise train --epochs 40 batch_size=16

    A bundle that cannot be written in (installed for all users) puts its output into ./mri_denoise_output.
    """
    require(extra="train")
    folder = output_dir or default_output_dir()
    settings = {
        "noisy_dir": noisy_dir and noisy_dir.absolute(),
        "clean_dir": clean_dir and clean_dir.absolute(),
        "max_epochs": epochs,
        "output_dir": folder and folder.absolute(),
        "model_path": folder and folder.absolute() / "model.pt",
        "resume": resume or None,
    }
    code = run_bundle("training", config_files(config or []), settings, context.args)
    if code == 0 and folder:
        typer.echo(f"The best model is {folder / 'model.pt'}: mri-denoise denoise IN OUT --model {folder / 'model.pt'}")
    raise typer.Exit(code)
