"""The figures of docs/figures.md, a file for each."""
