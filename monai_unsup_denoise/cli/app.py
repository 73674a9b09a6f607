"""`mri-denoise` itself: its commands, version and exit."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from monai_unsup_denoise import __version__
from monai_unsup_denoise.cli.benchmark import benchmark
from monai_unsup_denoise.cli.bids import BidsAppCommand, bids
from monai_unsup_denoise.cli.demo import demo
from monai_unsup_denoise.cli.denoise import denoise
from monai_unsup_denoise.cli.export import export_bundle, export_onnx, export_torchscript
from monai_unsup_denoise.cli.listen import listen
from monai_unsup_denoise.cli.options import with_new_names
from monai_unsup_denoise.cli.run_bundle import PASSES_OPTIONS_ON
from monai_unsup_denoise.cli.train import evaluate, train
from monai_unsup_denoise.cli.trust import trust
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.process import interruptible, open_streams, printable

app = typer.Typer(
    name="mri-denoise",
    help="Remove Rician noise from MR magnitude images, with a model learned from unpaired scans.\n\n"
    "For research; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(denoise)
app.command(context_settings=PASSES_OPTIONS_ON)(train)
app.command(context_settings=PASSES_OPTIONS_ON)(evaluate)
app.command(cls=BidsAppCommand)(bids)
app.command()(listen)
app.command()(benchmark)
app.command()(trust)
app.command()(demo)
app.command()(export_bundle)
app.command()(export_onnx)
app.command()(export_torchscript)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mri-denoise {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None: ...


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `mri-denoise`; a user's mistake ends in one line and exit code 1."""
    open_streams()
    try:
        with interruptible():
            app(args=with_new_names(list(sys.argv[1:] if arguments is None else arguments)), prog_name="mri-denoise")
    except InputError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:  # a name that is too long, a disk or standard output that refuses
        where = error.filename or "standard output"
        print(f"error: {printable(str(where))}: {error.strerror or error}; give another place", file=sys.stderr)
        sys.exit(1)
