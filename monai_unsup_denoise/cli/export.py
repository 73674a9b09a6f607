"""`mri-denoise export-bundle` and `mri-denoise export-onnx`: the model for other programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.options import Overwrite, Weights
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr


def export_bundle(
    output: Annotated[Path, typer.Argument(metavar="OUT.zip", help="Where the zip goes.", show_default=False)],
    model: Weights = None,
    torchscript: Annotated[bool, typer.Option(help="Put models/model.ts in, too.")] = True,
    overwrite: Overwrite = False,
) -> None:
    """Write the bundle as a zip that needs nothing but its dependencies.

    Unpacked, it trains and infers from within its folder by MONAI's own command, where this package is not
    installed: python -m monai.bundle run --config_file configs/inference.json --dataset_dir SCANS
    """
    with _exporting(output, ending=".zip", overwrite=overwrite):
        from monai_unsup_denoise.export.bundle_zip import write_bundle_zip

        write_bundle_zip(output, bundle_folder(), model=model, torchscript=torchscript)


def export_onnx(
    output: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="Where the network goes.", show_default=False)],
    model: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the network as ONNX, for volumes of any size.

    OUT_noise.onnx beside it tells the noise of a volume alone. Needs the packages of the extra `onnx`.
    """
    noise_output = output.with_name(f"{output.stem}_noise.onnx")
    with _exporting(output, noise_output, ending=".onnx", overwrite=overwrite):
        from monai_unsup_denoise.export.onnx_export import write_onnx
        from monai_unsup_denoise.inference.denoiser import Denoiser

        write_onnx(Denoiser.from_bundle(model=model, device="cpu").network, output, noise_output)


@contextmanager
def _exporting(*paths: Path, ending: str, overwrite: bool) -> Iterator[None]:
    """Check that the first of ``paths`` ends so and all can be written; at the end, name them with their sizes."""
    from monai_unsup_denoise.files import check_writable

    if paths[0].suffix != ending:
        raise InputError(f"{paths[0]}: another kind of file is written; end the name in {ending}")
    for path in paths:
        check_writable(path, overwrite=overwrite)
    try:
        with suppress_stderr():
            yield
    except OSError as error:
        place = error.filename or paths[0]
        raise InputError(f"{place}: {error.strerror}; make room or give another output") from error
    for path in paths:
        typer.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
