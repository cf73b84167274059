"""``cdc run``: connectors in a standalone worker, as ``connect-standalone`` runs them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from cdc.cli import messages
from connect.errors import CdcError
from connect.runtime import connector_file, properties
from connect.runtime.standalone import EXIT_START_ERROR, Worker, run_standalone


def run(connectors: Sequence[Path], worker: Path | None) -> int:
    """Run until SIGTERM or Ctrl-C: 0, or 3 if something could not be started."""
    messages.show(logging.INFO, "[%(asctime)s] %(levelname)s %(message)s (%(name)s)")
    try:
        settings = properties.read(worker) if worker is not None else {}
        requests = [connector_file.read(path) for path in connectors]
    except CdcError as error:
        sys.stderr.write(f"cdc: {error}\n")
        return EXIT_START_ERROR
    return run_standalone(settings, requests, ready=_ready)


def _ready(worker: Worker) -> None:
    names = ", ".join(worker.names()) or "no connector yet"
    logging.getLogger(__name__).info("Running %s. REST: %s", names, worker.url)
