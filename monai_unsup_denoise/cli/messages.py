"""Messages of several commands."""

from __future__ import annotations

from collections.abc import Sequence

import typer


def exit_with_failures(failures: Sequence[str], *, scans: int) -> None:
    """List the failures and exit with code 1; without failures, do nothing."""
    if not failures:
        return
    typer.echo(f"error: {len(failures)} of {scans} scans could not be denoised:", err=True)
    for failure in failures:
        typer.echo(f"  {failure}", err=True)
    raise typer.Exit(1)
