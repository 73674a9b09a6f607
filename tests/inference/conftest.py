"""A scan, and weights that do nothing or something, as the tests of the command line have them."""

from tests.cli.conftest import bundle, identity, scan, smoothing, volume

__all__ = ["bundle", "identity", "scan", "smoothing", "volume"]
