"""The command `mri-denoise`. Libraries are imported inside the commands, so that the help comes at once."""

from monai_unsup_denoise.cli.app import app, main

__all__ = ["app", "main"]
