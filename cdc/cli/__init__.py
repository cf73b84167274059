"""The ``cdc`` command."""

from cdc.cli.app import main

__all__ = ["main"]
