"""Servers and their folders do not outlive the process that started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import devstack
from devstack import docker
from tests.devstack.kinds import Kind

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(docker.engine_answers(), reason="containers have testcontainers' reaper"),
]
ROOT = Path(devstack.__file__).parent.parent
PARENT = """
import sys, time
from devstack.__main__ import SERVERS
with SERVERS[sys.argv[1]]() as server:
    if sys.argv[2] == "stopped":
        pid = server.pid
        server.stop()
    else:
        pid = server.pid
    print(pid, server.log.parent, server._runner._guardian.pid, flush=True)
    time.sleep(600)
"""


@contextmanager
def parent_of(kind: str, state: str) -> Iterator[tuple[int, int, Path, int]]:
    """Start a process that starts a server; gives their pids, the folder, the guardian's pid."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, kind, state], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        try:
            pid, folder, guardian = parent.stdout.readline().split()
            yield parent.pid, int(pid), Path(folder), int(guardian)
        finally:
            parent.kill()


def eventually(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_killed_parent_takes_its_server_along(kind: Kind) -> None:
    with parent_of(kind.name, "running") as (parent, server, folder, guardian):
        assert not gone(server)
        os.kill(parent, signal.SIGKILL)
        eventually(lambda: gone(server))
        eventually(lambda: not folder.exists())
        eventually(lambda: gone(guardian))


def test_a_killed_parent_takes_a_stopped_servers_folder_along() -> None:
    with parent_of("mysql", "stopped") as (parent, server, folder, _):
        assert gone(server)
        assert folder.exists()
        os.kill(parent, signal.SIGKILL)
        eventually(lambda: not folder.exists())


def test_what_a_killed_guardian_leaves_the_next_server_clears() -> None:
    with parent_of("mysql", "running") as (parent, server, folder, guardian):
        os.kill(guardian, signal.SIGKILL)
        os.kill(parent, signal.SIGKILL)
        eventually(lambda: gone(parent) and gone(guardian))
        assert not gone(server)
        with devstack.mysql():
            assert gone(server)
            assert not folder.exists()


def test_the_next_server_leaves_a_living_one_alone() -> None:
    with devstack.mysql() as first, devstack.mysql():
        assert first.log is not None
        assert first.log.exists()
        assert not gone(first.pid)
