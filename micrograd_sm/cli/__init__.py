"""The command line: `micrograd-sm` and `python -m micrograd_sm`."""

from micrograd_sm.cli.main import main

__all__ = ["main"]
