"""Messages of several commands."""

from __future__ import annotations

from collections.abc import Sequence

import typer


def exit_with_failures(failures: Sequence[str], *, scans: int) -> None:
    """List the failures and exit with code 1; without failures, do nothing."""
    if failures:
        listed = "".join(f"\n  {failure}" for failure in failures)
        typer.echo(f"error: {len(failures)} of {scans} scans could not be denoised:{listed}", err=True)
        raise typer.Exit(1)
