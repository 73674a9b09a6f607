"""What the site does beyond Sphinx and MyST, one extension per file."""
