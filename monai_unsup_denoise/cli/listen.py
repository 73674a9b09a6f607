"""`mri-denoise listen`: a DICOM node that denoises what is sent to it, and sends it on."""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.cli.options import Bundle, Device, Weights
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require


def listen(
    config: Annotated[
        Path,
        typer.Option(
            metavar="FILE.json",
            help="The settings: AE title, senders, destinations, spool, limits.",
            show_default=False,
        ),
    ],
    check: Annotated[
        bool,
        typer.Option("--check", help="Check the settings, ask each destination for a C-ECHO, and exit."),
    ] = False,
    retry_dead_letters: Annotated[
        bool,
        typer.Option("--retry-dead-letters", help="Give the series in the dead-letter folder another try, and exit."),
    ] = False,
    model: Weights = None,
    bundle: Bundle = None,
    device: Device = None,
) -> None:
    """Receive MR series over DICOM, denoise them, and send them on.

    The node answers C-ECHO and C-STORE of the AE titles that the settings list. When nothing of a study has come for a
    while, each of its series is denoised and sent to the destinations as a derived series; the source goes there, too,
    where the settings say so. All that was answered with success lies on the disk and is delivered, also after a crash
    or while a destination is away. What cannot be denoised or sent goes to a dead-letter folder.

    It runs until Ctrl-C or SIGTERM. Events are written to standard error, one JSON object a line; health and metrics
    (Prometheus) are at http://127.0.0.1:9104/health and /metrics. Needs the packages of the extra `dicom-node`.
    """
    if os.name == "nt":
        raise InputError("listen: does not run on Windows, whose files have no locks that end with a process")
    require(extra="dicom-node")
    from monai_unsup_denoise.dicom_node.settings import read_settings

    settings = read_settings(config)
    if check:
        from monai_unsup_denoise.dicom_node.sender import AwayError, Sender

        away = []
        for destination in settings.destinations:
            try:
                Sender(destination, ae_title=settings.ae_title).echo()
            except AwayError as error:
                away.append(f"{destination.name} ({destination.host}:{destination.port}): {error}")
            else:
                typer.echo(f"{destination.name} ({destination.host}:{destination.port}): answers")
        if away:
            raise InputError(f"{'; '.join(away)}; check that it runs and knows the AE title {settings.ae_title}")
        return
    if retry_dead_letters:
        from monai_unsup_denoise.dicom_node.dead_letters import retry

        for line in retry(settings.spool):
            typer.echo(line)
        return
    with suppress(KeyboardInterrupt):  # also while it starts, which takes some seconds
        from monai_unsup_denoise.dicom_node.node import running_node

        with running_node(settings, bundle=bundle, model=model, device=device):
            threading.Event().wait()
