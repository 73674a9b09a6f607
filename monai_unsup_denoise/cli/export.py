"""`mri-denoise export-bundle`, `export-onnx` and `export-torchscript`: the model for other programs."""

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
    output: Annotated[Path, typer.Argument(metavar="OUT.zip", help="The zip to write.", show_default=False)],
    model: Weights = None,
    torchscript: Annotated[bool, typer.Option(help="Add models/model.ts, or leave it out.")] = True,
    overwrite: Overwrite = False,
) -> None:
    """Write the bundle with this package as a zip, in the layout of MONAI's model zoo.

    Unpacked, it trains and denoises from within its folder where this package is not installed:
    python -m monai.bundle run --config_file configs/inference.json --dataset_dir SCANS
    """
    with _exporting(output, ending=".zip", overwrite=overwrite):
        from monai_unsup_denoise.export.bundle_zip import write_bundle_zip

        write_bundle_zip(output, bundle_folder(), model=model, torchscript=torchscript)


def export_onnx(
    output: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The graph to write.", show_default=False)],
    model: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the network as ONNX, for volumes of any size.

    A second graph, OUT_noise.onnx, only estimates the noise of a volume. Needs the packages of the extra `onnx`.
    """
    noise_output = output.with_name(f"{output.stem}_noise.onnx")
    with _exporting(output, noise_output, ending=".onnx", overwrite=overwrite):
        from monai_unsup_denoise.export.onnx_export import write_onnx
        from monai_unsup_denoise.inference.denoiser import Denoiser

        write_onnx(Denoiser.from_bundle(model=model, device="cpu").network, output, noise_output)


def export_torchscript(
    output: Annotated[Path, typer.Argument(metavar="OUT.ts", help="The file to write.", show_default=False)],
    model: Weights = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the network as TorchScript, with the config of the bundle inside, for PyTorch and MONAI Deploy."""
    with _exporting(output, ending=".ts", overwrite=overwrite):
        from monai_unsup_denoise.export.torchscript import write_torchscript

        write_torchscript(output, bundle_folder(), weights=model)


@contextmanager
def _exporting(*paths: Path, ending: str, overwrite: bool) -> Iterator[None]:
    """Check the ending of the first path and that all can be written; afterwards print their names and sizes."""
    from monai_unsup_denoise.files import check_writable

    if paths[0].suffix != ending:
        raise InputError(f"{paths[0]}: not the kind of file that is written; end the name in {ending}")
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
