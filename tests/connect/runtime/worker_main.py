"""A worker as a program: worker file, connector files; prints its address when it is ready."""

from __future__ import annotations

import sys
from pathlib import Path

from connect.runtime import connector_file, properties
from connect.runtime.standalone import Worker, run_standalone


def announce(worker: Worker) -> None:
    sys.stdout.write(f"{worker.url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    requests = [connector_file.read(Path(name)) for name in sys.argv[2:]]
    sys.exit(run_standalone(properties.read(Path(sys.argv[1])), requests, ready=announce))
