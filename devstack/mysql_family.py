"""What MySQL and MariaDB have in common: how a server of either is made, asked and reached."""

import os
import re
import shutil
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from devstack import docker
from devstack.errors import DevstackError
from devstack.ports import answer
from devstack.process import Process
from devstack.server import Option, Server

# What is fixed for ever when a data folder is initialised.
INITIAL = ("lower-case-table-names", "innodb-page-size", "innodb-data-file-path")


class MySQLFamily(Server):
    """A server whose data folder is copied from a template made once."""

    user = "root"
    title: ClassVar[str]
    versions: ClassVar[tuple[str, ...]]
    defaults: ClassVar[Mapping[str, Option]]
    allow_empty_password: ClassVar[str]
    """The variable by which the image of its container is told so."""

    def __init__(self, version: str, options: Mapping[str, Option]) -> None:
        super().__init__()
        if version not in self.versions:
            raise DevstackError(
                f"there is no recipe for {self.title} {version}; take {' or '.join(self.versions)}"
            )
        self.version = version
        self.name = f"{self.title} {version}"
        self._kind = self.title.lower()
        self._options = merged(self.defaults, options)

    @property
    def url(self) -> str:
        """``mysql://root@127.0.0.1:PORT``."""
        return f"mysql://{self.user}@{self.host}:{self.port}"

    @abstractmethod
    def _program(self) -> list[str]:
        """Return the command that runs the server."""

    @abstractmethod
    def _template(self) -> Path:
        """Return the data folder that new servers are copied from, initialised if need be."""

    def _own_options(self, data: Path) -> list[str]:
        """Return the options for a server with this data folder, before those that were given."""
        return []

    def _fetch(self) -> None:
        self._template()

    def _answers(self) -> bool:
        """Whether it sends its handshake (protocol version 10)."""
        return answer(self.port, b"", 5)[4:] == b"\x0a"

    def _process(self) -> Process:
        template = self._template()
        process = Process(f"{self._kind}-{self.version}")
        data = process.folder / "data"
        shutil.copytree(template, data)
        process.argv = [
            *self._program(),
            *as_root(),
            f"--datadir={data}",
            f"--port={self.port}",
            f"--socket={process.folder / 'socket'}",
            f"--pid-file={process.folder / 'server.pid'}",
            *self._own_options(data),
            *self._options,
        ]
        return process

    def _container(self) -> docker.Container:
        inside = [option for option in self._options if not option.startswith("--bind-address=")]
        return docker.Container(
            self.name,
            f"{self._kind}:{self.version}",
            inner_port=3306,
            port=self.port,
            command=inside,
            environment={self.allow_empty_password: "yes", f"{self._kind.upper()}_ROOT_HOST": "%"},
        )


def merged(defaults: Mapping[str, Option], given: Mapping[str, Option]) -> list[str]:
    """Return ``--option-name=value`` arguments: the defaults, changed by what was given."""
    options = {**defaults, **{name.replace("_", "-"): value for name, value in given.items()}}
    return [
        f"--{name}={'ON' if value is True else 'OFF' if value is False else value}"
        for name, value in options.items()
        if value is not None
    ]


def initial(arguments: list[str]) -> tuple[list[str], str]:
    """Return those arguments that hold from initialisation on, and a file name part for them."""
    fixed = [argument for argument in arguments if argument[2:].startswith(INITIAL)]
    return fixed, re.sub(r"[^\w-]+", "-", "".join(argument[1:] for argument in fixed))


def as_root() -> list[str]:
    """Return the option without which the server refuses to run as root."""
    return ["--user=root"] if os.geteuid() == 0 else []
