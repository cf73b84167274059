"""Debezium on Kafka Connect, and this project's worker, each on the same files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import devstack
from connect.offsets import OffsetFile, StoredOffset

ROOT = Path(__file__).parents[2]
NAME = "inventory"
PREFIX = "tp"
HISTORY = "history"


@dataclass
class Place:
    """A worker file and a connector file for one MySQL and one Kafka."""

    mysql: devstack.Server
    kafka: devstack.Server
    folder: Path
    server_id: int = 7001
    worker: Mapping[str, str] = field(default_factory=dict)
    connector: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        converter = "org.apache.kafka.connect.json.JsonConverter"
        settings = {
            "bootstrap.servers": self.kafka.url,
            "key.converter": converter,
            "value.converter": converter,
            "offset.storage.file.filename": str(self.offset_file),
            "offset.flush.interval.ms": "500",
            "listeners": "http://127.0.0.1:0",
        } | dict(self.worker)
        lines = "".join(f"{key}={value}\n" for key, value in settings.items())
        self.worker_file.write_text(lines)
        config = {
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "tasks.max": "1",
            "topic.prefix": PREFIX,
            "database.hostname": self.mysql.host,
            "database.port": str(self.mysql.port),
            "database.user": self.mysql.user,
            "database.password": self.mysql.password,
            "database.server.id": str(self.server_id),
            "schema.history.internal.kafka.bootstrap.servers": self.kafka.url,
            "schema.history.internal.kafka.topic": HISTORY,
        } | dict(self.connector)
        self.connector_file.write_text(json.dumps({"name": NAME, "config": config}, indent=1))

    @property
    def worker_file(self) -> Path:
        return self.folder / "worker.properties"

    @property
    def connector_file(self) -> Path:
        return self.folder / "source.json"

    @property
    def offset_file(self) -> Path:
        return self.folder / "connect.offsets"

    def offsets(self) -> list[StoredOffset]:
        """What the worker stored; both write Kafka Connect's file."""
        return OffsetFile(self.offset_file).all(NAME)

    def reached(self, log: str, pos: int) -> bool:
        """Whether this is where the stored offset stands."""
        found = [stored.offset for stored in self.offsets()]
        return [(offset["file"], offset["pos"]) for offset in found] == [(log, pos)]


class Running(Protocol):
    """A program at work on a place's files."""

    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def log_tail(self, lines: int = 40) -> str: ...


class Program(Protocol):
    def __call__(self, place: Place) -> AbstractContextManager[Running]: ...


def debezium(place: Place) -> AbstractContextManager[Running]:
    return devstack.connect(place.worker_file, place.connector_file)


class _Worker:
    def __init__(self, place: Place) -> None:
        self._log = place.folder / "worker.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "cdc.cli", "run", place.connector_file),
                    *("--worker", place.worker_file),
                ],
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)

    def log_tail(self, lines: int = 40) -> str:
        return "\n".join(self._log.read_text().splitlines()[-lines:])


@contextmanager
def ours(place: Place) -> Iterator[Running]:
    worker = _Worker(place)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.stop()
