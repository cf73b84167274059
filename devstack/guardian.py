"""The watch over one server's folder: when the parent is gone, however it died, so is the server.

Run as a script of the standard library only: ``guardian.py PARENT_PID FOLDER SIGNAL``.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

PID_FILE = "server.pid"


def server_pid(folder: Path) -> int | None:
    """Return the pid of the server running in the folder, or None."""
    try:
        pid = int((folder / PID_FILE).read_text())
        # A pid may have been given to another program since; ours stands in its folder.
        return pid if Path(f"/proc/{pid}/cwd").resolve().is_relative_to(folder.resolve()) else None
    except (OSError, ValueError):
        return None


def end(pid: int, signum: int) -> None:
    """Signal a server and wait until it and its children are gone; SIGKILL after five seconds."""
    family = [pid, *_children(pid)]
    _send(family if signum == signal.SIGKILL else [pid], signum)
    give_up = time.monotonic() + 5
    while any(map(_running, family)):
        if time.monotonic() > give_up:
            _send(family, signal.SIGKILL)
        time.sleep(0.02)


def clear(folder: Path, signum: int) -> None:
    """End the server of the folder, if one runs, and remove the folder."""
    while (pid := server_pid(folder)) is not None:
        end(pid, signum)
    shutil.rmtree(folder, ignore_errors=True)


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def _send(pids: list[int], signum: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


def main() -> None:
    """Wait for the parent's death, then clear the folder."""
    parent, folder, signum = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    while os.getppid() == parent:
        time.sleep(0.2)
    clear(folder, signum)


if __name__ == "__main__":
    main()
