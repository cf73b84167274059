"""What holds for every server of devstack. The first run downloads, hence the long limit."""

import os

import pytest

import devstack
from devstack import docker
from tests.devstack.kinds import Kind

pytestmark = pytest.mark.timeout(600)


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_restart_and_crash_keep_port_and_data(kind: Kind) -> None:
    with kind.make() as server:
        port, first = server.port, server.pid
        kind.remember(server, "before")
        assert "before" in kind.notes(server)

        server.restart()
        assert server.port == port
        assert server.pid != first
        assert ("before" in kind.notes(server)) is kind.keeps_data

        kind.remember(server, "between")
        second = server.pid
        server.kill()
        assert not running(second)
        server.start()
        assert server.port == port
        assert {"before", "between"} <= kind.notes(server) or not kind.keeps_data
        last = server.pid
    assert not running(last)


def test_two_at_once_are_two(kind: Kind) -> None:
    with kind.make() as one, kind.make() as other:
        assert one.port != other.port
        kind.remember(one, "mine")
        assert "mine" in kind.notes(one)
        assert "mine" not in kind.notes(other)


def test_a_stopped_server_has_no_pid_and_does_not_answer(kind: Kind) -> None:
    with kind.make() as server:
        server.stop()
        with pytest.raises(devstack.DevstackError, match=r"not running; start\(\) it first"):
            _ = server.pid
        assert not server._answers()
        server.stop()  # a second stop has nothing to do


def test_a_server_belongs_into_a_with_block() -> None:
    with pytest.raises(devstack.DevstackError, match="outside its with block"):
        devstack.mysql().start()


@pytest.mark.skipif(docker.engine_answers(), reason="containers keep their data elsewhere")
def test_the_folder_goes_with_the_server(kind: Kind) -> None:
    with kind.make() as server:
        assert server.log is not None
        folder = server.log.parent
        assert folder.is_dir()
        with pytest.raises(devstack.DevstackError, match="running already"):
            server._entered.start()
    assert not folder.exists()
