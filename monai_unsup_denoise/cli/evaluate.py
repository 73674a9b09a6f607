"""`mri-denoise evaluate`: run the bundle's evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.options import Weights
from monai_unsup_denoise.cli.run_bundle import config_files, default_output_dir, run_bundle
from monai_unsup_denoise.extras import require


def evaluate(
    context: typer.Context,
    model: Weights = None,
    test_dir: Annotated[
        Path | None,
        typer.Option(help="Clean scans to add noise to: a folder or a MONAI datalist; else phantoms."),
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(help="Config that the model was trained with, as train_paper.json; can be repeated."),
    ] = None,
    output_dir: Annotated[Path | None, typer.Option(help="Folder for all output; else the bundle's.")] = None,
) -> None:
    """Measure a model: PSNR and SSIM at each noise level, on clean scans with fixed noise.

    Any other id of the config can be set with key=value or --key value, as in `python -m monai.bundle run`.
    """
    require(extra="train")
    folder = output_dir or default_output_dir()
    settings = {
        "test_dir": test_dir and test_dir.absolute(),
        "model_path": model and model.absolute(),
        "output_dir": folder and folder.absolute(),
    }
    configs = config_files([*(config or []), str(bundle_folder() / "configs" / "evaluate.json")])
    raise typer.Exit(run_bundle("run", configs, settings, context.args))
