"""The command `mri-denoise`. Commands import libraries when they are called, so that the help comes at once."""

from monai_unsup_denoise.cli.app import app, main

__all__ = ["app", "main"]
