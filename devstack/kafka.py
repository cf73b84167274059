"""Kafka: one broker that is its own controller (KRaft)."""

import shutil
import struct
from collections.abc import Mapping
from pathlib import Path

from devstack import cache, docker, maven
from devstack.command import run
from devstack.ports import answer, free_port
from devstack.process import Process
from devstack.server import Option, Server

VERSION = "4.3.1"
IMAGE = f"apache/kafka:{VERSION}"
ARTIFACTS = [
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
]
TOOLS = [
    f"org.apache.kafka:kafka-tools:{VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
]
CLUSTER = "AAAAAAAAAAAAAAAAAAAAAA"
DEFAULTS: Mapping[str, Option] = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 5,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 5,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    # After a kill the controller lets the broker back in when the old one's session is over.
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 3000,
}
LOGGING = """<?xml version="1.0"?>
<Configuration><Appenders><Console name="out"><PatternLayout pattern="%d %p %c: %m%n"/></Console>
</Appenders><Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


def kafka(**server_properties: Option) -> "Kafka":
    """Return a Kafka broker to enter; properties are written with ``.`` or ``_``.

    None drops a default of ours.
    """
    return Kafka(server_properties)


class Kafka(Server):
    """A Kafka broker without authentication."""

    name = f"Kafka {VERSION}"

    def __init__(self, properties: Mapping[str, Option]) -> None:
        super().__init__()
        given = {name.replace("_", "."): value for name, value in properties.items()}
        self._properties = {**DEFAULTS, **given}

    @property
    def url(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"{self.host}:{self.port}"

    @property
    def bootstrap_servers(self) -> str:
        """The broker's address as clients take it, the same as ``url``."""
        return self.url

    def consumer_groups(self, *arguments: str) -> str:
        """What Kafka's own ``kafka-consumer-groups`` prints; DevstackError if it fails.

        It runs on this machine's Java, also where the broker is a container.
        """
        libraries = cache.built(
            f"kafka-tools-{VERSION}",
            f"the tools of {self.name} from Maven, 43 MB",
            lambda scratch: maven.libraries(TOOLS, scratch),
        )
        return run(
            [
                *(maven.java(), "-Xmx128m", "-XX:+UseSerialGC", "-cp", f"{libraries}/*"),
                "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
                *("--bootstrap-server", self.url, *arguments),
            ],
            doing="kafka-consumer-groups",
        )

    def _fetch(self) -> None:
        """Fetch Kafka and format the log folder that new brokers are copied from."""
        self._formatted()

    def _answers(self) -> bool:
        # An ApiVersions request, version 0: api key 18, correlation id 1, no client id.
        body = struct.pack(">hhih", 18, 0, 1, -1)
        return len(answer(self.port, struct.pack(">i", len(body)) + body, 8)) == 8

    def _process(self) -> Process:
        libraries, formatted = self._libraries(), self._formatted()
        process = Process("kafka")
        data = process.folder / "data"
        shutil.copytree(formatted, data)
        controller = free_port()
        addresses: dict[str, Option] = {
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}",
            "log.dirs": str(data),
        }
        settings = process.folder / "server.properties"
        settings.write_text(_lines({**addresses, **self._properties}))
        logging = process.folder / "log4j2.xml"
        logging.write_text(LOGGING)
        process.argv = [
            *(maven.java(), "-Xmx512m", f"-Dlog4j2.configurationFile={logging}"),
            *("-cp", f"{libraries}/*", "kafka.Kafka", str(settings)),
        ]
        return process

    def _container(self) -> docker.Container:
        addresses: dict[str, Option] = {
            "controller.quorum.voters": "1@localhost:9093",
            "listeners": "PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
        }
        # The image reads a property a.b.c from the variable KAFKA_A_B_C.
        return docker.Container(
            self.name,
            IMAGE,
            inner_port=9092,
            port=self.port,
            command=[],
            environment={
                "KAFKA_HEAP_OPTS": "-Xmx512m",
                "CLUSTER_ID": CLUSTER,
                **{
                    f"KAFKA_{name.replace('.', '_').upper()}": _text(value)
                    for name, value in {**addresses, **self._properties}.items()
                    if value is not None
                },
            },
        )

    def _libraries(self) -> Path:
        return cache.built(
            f"kafka-{VERSION}",
            f"{self.name} from Maven, 54 MB",
            lambda scratch: maven.libraries(ARTIFACTS, scratch),
        )

    def _formatted(self) -> Path:
        """Return a formatted, empty log folder to copy for each new broker."""
        libraries = self._libraries()

        def build(scratch: Path) -> None:
            settings = scratch / "server.properties"
            places: dict[str, Option] = {
                "controller.quorum.voters": "1@127.0.0.1:9093",
                "listeners": "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093",
                "log.dirs": str(scratch / "data"),
            }
            settings.write_text(_lines({**DEFAULTS, **places}))
            run(
                [
                    *(maven.java(), "-cp", f"{libraries}/*", "kafka.tools.StorageTool"),
                    *("format", "-t", CLUSTER, "-c", settings),
                ],
                doing="formatting Kafka's log folder",
            )

        return cache.built(f"kafka-{VERSION}-data", f"initialising {self.name}", build) / "data"


def _text(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _lines(properties: Mapping[str, Option]) -> str:
    return "".join(
        f"{name}={_text(value)}\n" for name, value in properties.items() if value is not None
    )
