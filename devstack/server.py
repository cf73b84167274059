"""What every server of devstack can do."""

import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from devstack import docker
from devstack.errors import DevstackError
from devstack.ports import free_port
from devstack.process import Process

START_SECONDS = 90

Option = str | int | float | None
"""A server option's value; True and False are written as the server writes them."""


class Runner(Protocol):
    """What carries a server: a process of this machine or a container."""

    @property
    def pid(self) -> int: ...
    @property
    def log(self) -> Path | None: ...
    def log_tail(self, lines: int) -> str: ...
    def alive(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def discard(self) -> None: ...


class Server(ABC):
    """A real server on a free loopback port, running from ``__enter__`` to ``__exit__``.

    In between it may be stopped, killed and started again: port and data stay the same. Its data
    is gone at the end, also when this process is killed.
    """

    name: str
    """What people call it, with its version."""
    host = "127.0.0.1"
    user = ""
    password = ""
    contained = True
    """Whether it runs in a container where a Docker engine answers."""

    def __init__(self) -> None:
        self.port = 0
        self._runner: Runner | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect to."""

    @abstractmethod
    def _fetch(self) -> None:
        """Download and build what the local process needs."""

    @abstractmethod
    def _process(self) -> Process:
        """Return the server as a local process, its data initialised, not started."""

    @abstractmethod
    def _container(self) -> "docker.Container":
        """Return the server as a container, not started."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server answers clients now."""

    def prepare(self) -> None:
        """Download and build whatever a start needs, so that the next start is quick."""
        if self._in_container():
            self._container().pull()
        else:
            self._fetch()

    def __enter__(self) -> Self:
        self.port = free_port()
        self._runner = self._container() if self._in_container() else self._process()
        try:
            self.start()
        except BaseException:
            self._runner.discard()
            self._runner = None
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entered.discard()
        self._runner = None

    def _in_container(self) -> bool:
        return self.contained and docker.engine_answers()

    @property
    def _entered(self) -> Runner:
        if self._runner is None:
            raise DevstackError(f"{self.name} is used outside its with block")
        return self._runner

    @property
    def pid(self) -> int:
        """The process id of the running server (of its container's first process)."""
        return self._entered.pid

    @property
    def log(self) -> Path | None:
        """The server's log file; None when it runs in a container (log_tail has its lines)."""
        return self._entered.log

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of the server's log."""
        return self._entered.log_tail(lines)

    def start(self) -> None:
        """Start the server where it was stopped or killed; returns when it answers."""
        runner = self._entered
        runner.start()
        give_up = time.monotonic() + START_SECONDS
        while not self._answers():
            if not runner.alive():
                raise DevstackError(f"{self.name} ended at start:\n{runner.log_tail(40)}")
            if time.monotonic() > give_up:
                raise DevstackError(
                    f"{self.name} does not answer on port {self.port} after {START_SECONDS} s;"
                    f" its log ends:\n{runner.log_tail(40)}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Let the server end in good order."""
        self._entered.stop()

    def kill(self) -> None:
        """SIGKILL the server now, as a crash would."""
        self._entered.kill()

    def restart(self) -> None:
        """Stop the server in good order and start it again in place."""
        self.stop()
        self.start()
