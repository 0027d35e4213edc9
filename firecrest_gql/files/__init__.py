"""Utilities: file system operations that check their parameters, run, read the output and answer."""
