"""A scan, weights that do nothing or something, and the command in this process, as the tests of the command line."""

from tests.cli.conftest import bundle, identity, mri_denoise, scan, smoothing, volume

__all__ = ["bundle", "identity", "mri_denoise", "scan", "smoothing", "volume"]
