"""PostgreSQL 18."""

import os
import platform
import shutil
import signal
import struct
from collections.abc import Mapping
from pathlib import Path

from devstack import cache, docker, maven
from devstack.command import on_path, run
from devstack.errors import DevstackError
from devstack.ports import answer
from devstack.process import Process
from devstack.server import Option, Server

VERSION = "18"
ARTIFACT = "io.zonky.test.postgres:embedded-postgres-binaries-linux-{}:18.6.0"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64v8"}
DEFAULTS: Mapping[str, Option] = {"listen_addresses": "127.0.0.1", "fsync": "off"}


def postgres(**settings: Option) -> "Postgres":
    """Return a PostgreSQL server to enter; settings as in postgresql.conf, None drops a default.

    Clients connect as postgres without a password.
    """
    return Postgres(settings)


class Postgres(Server):
    """A PostgreSQL server that does not sync to disk."""

    name = f"PostgreSQL {VERSION}"
    user = "postgres"

    def __init__(self, settings: Mapping[str, Option]) -> None:
        super().__init__()
        self._settings = {**DEFAULTS, **settings}

    @property
    def url(self) -> str:
        """``postgresql://postgres@127.0.0.1:PORT/postgres``."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/postgres"

    def _fetch(self) -> None:
        """Fetch the server."""
        self._programs()

    def _answers(self) -> bool:
        # A start-up message, protocol 3.0: ready servers ask for authentication ('R'), others
        # send an error that they are starting.
        body = struct.pack(">i", 196608) + b"user\0postgres\0database\0postgres\0\0"
        return answer(self.port, struct.pack(">i", len(body) + 4) + body, 1) == b"R"

    def _process(self) -> Process:
        programs = self._programs()
        # Killed outright it would leave its shared memory behind, so the quick end is its
        # immediate shutdown; a fast shutdown (SIGINT) is the good order.
        process = Process(
            "postgres",
            stop_signal=signal.SIGINT,
            quick_signal=signal.SIGQUIT,
            drop_root=True,
        )
        if process.user is not None and programs.is_relative_to(cache.folder()):
            # nobody may not be allowed into root's cache folder.
            own = process.folder / "programs"
            shutil.copytree(programs.parent, own, symlinks=True, copy_function=_link)
            programs = own / "bin"
        data = process.folder / "data"
        run(
            [
                *(programs / "initdb", "-D", data, "-U", self.user, "-A", "trust"),
                *("-E", "UTF8", "--no-locale", "--no-sync"),
            ],
            doing=f"initialising {self.name}",
            cwd=process.folder,
            user=process.user,
        )
        process.argv = [programs / "postgres", "-D", data, "-p", str(self.port)]
        process.argv += ["-k", process.folder, *self._arguments()]
        return process

    def _container(self) -> docker.Container:
        return docker.Container(
            self.name,
            f"postgres:{VERSION}",
            inner_port=5432,
            port=self.port,
            command=["postgres", *self._arguments(), "-c", "listen_addresses=*"],
            environment={"POSTGRES_HOST_AUTH_METHOD": "trust"},
        )

    def _arguments(self) -> list[str]:
        arguments = []
        for name, value in self._settings.items():
            if value is not None:
                text = str(value).lower() if isinstance(value, bool) else str(value)
                arguments += ["-c", f"{name}={text}"]
        return arguments

    def _programs(self) -> Path:
        """Return the folder of postgres and initdb."""
        if found := on_path("postgres", rf"\(PostgreSQL\) {VERSION}\."):
            return found.parent
        machine = ARCHITECTURES.get(platform.machine())
        if machine is None:
            raise DevstackError(
                f"{self.name}: none on PATH, and no published programs for"
                f" {platform.machine()}; start a Docker engine"
            )
        return (
            cache.built(
                f"postgres-{VERSION}",
                f"{self.name} from Maven, 15 MB",
                lambda scratch: _unpack(ARTIFACT.format(machine), scratch),
            )
            / "bin"
        )


def _unpack(artifact: str, target: Path) -> None:
    jar = target / "jar"
    jar.mkdir()
    maven.unpack(artifact, jar)
    for archive in jar.glob("*.txz"):
        maven.extract(archive, target)
    shutil.rmtree(jar)


def _link(source: str, destination: str) -> None:
    try:
        os.link(source, destination)
    except OSError:  # another file system
        shutil.copy2(source, destination)
