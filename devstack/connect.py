"""Kafka Connect's own worker with Debezium's MySQL connector: what this project is held against."""

import re
from collections.abc import Sequence
from pathlib import Path

from devstack import cache, docker, maven
from devstack.errors import DevstackError
from devstack.kafka import LOGGING, VERSION
from devstack.ports import answer
from devstack.process import Process
from devstack.server import Server

DEBEZIUM = "3.6.1.Final"
ARTIFACTS = [
    f"org.apache.kafka:connect-runtime:{VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
]
PLUGINS = {"mysql": f"io.debezium:debezium-connector-mysql:{DEBEZIUM}:tar.gz:plugin"}


def connect(worker: Path, *connectors: Path, plugins: Sequence[str] = ("mysql",)) -> "Connect":
    """Return a standalone Kafka Connect to enter, with a worker file and connector files.

    The files are read at each start. ``listeners`` and ``plugin.path`` of the worker file give way
    to a free port and to the named ``plugins`` of Debezium.
    """
    return Connect(worker, connectors, plugins)


class Connect(Server):
    """A standalone Kafka Connect worker."""

    name = f"Kafka Connect {VERSION} with Debezium {DEBEZIUM}"
    # It works on files of this machine and with servers on its loopback interface.
    contained = False

    def __init__(self, worker: Path, connectors: Sequence[Path], plugins: Sequence[str]) -> None:
        super().__init__()
        if unknown := [name for name in plugins if name not in PLUGINS]:
            raise DevstackError(f"no plugin is called {unknown[0]}; there are {', '.join(PLUGINS)}")
        self._worker = worker
        self._connectors = connectors
        self._plugins = plugins

    @property
    def url(self) -> str:
        """The address of the REST API."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        settings = self._folder / "worker.properties"
        settings.write_text(
            f"{self._worker.read_text()}\n"
            f"listeners={self.url}\n"
            f"plugin.path={','.join(str(self._plugin(name)) for name in self._plugins)}\n"
        )
        super().start()

    def _fetch(self) -> None:
        """Fetch Kafka Connect and the plugins."""
        self._libraries()
        for name in self._plugins:
            self._plugin(name)

    def _answers(self) -> bool:
        request = f"GET /connectors HTTP/1.0\r\nHost: {self.host}\r\n\r\n".encode()
        return re.match(rb"HTTP/1\.\d 200", answer(self.port, request, 12)) is not None

    def _process(self) -> Process:
        libraries = self._libraries()
        process = Process("connect")
        self._folder = process.folder
        logging = process.folder / "log4j2.xml"
        logging.write_text(LOGGING)
        process.argv = [
            *(maven.java(), "-XX:+UseSerialGC", "-Xmx768m"),
            f"-Dlog4j2.configurationFile={logging}",
            *("-cp", f"{libraries}/*", "org.apache.kafka.connect.cli.ConnectStandalone"),
            *(process.folder / "worker.properties", *self._connectors),
        ]
        return process

    def _container(self) -> docker.Container:
        raise DevstackError(f"{self.name} runs as a process of this machine only")

    def _libraries(self) -> Path:
        return cache.built(
            f"connect-{VERSION}",
            f"Kafka Connect {VERSION} from Maven, 37 MB",
            lambda scratch: maven.libraries(ARTIFACTS, scratch),
        )

    def _plugin(self, name: str) -> Path:
        return cache.built(
            f"debezium-{name}-{DEBEZIUM}",
            f"Debezium's {name} connector {DEBEZIUM} from Maven, 30 MB",
            lambda scratch: maven.unpack(PLUGINS[name], scratch),
        )
