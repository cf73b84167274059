"""One real database a backend, each test in a database (schema, file) of its own."""

from __future__ import annotations

import itertools
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymysql

import devstack
from cdc.polling.connector import JdbcSourceConnector
from cdc.polling.task import PollingTask
from connect.batch import SourceBatch, SourceOffset, SourcePartition
from connect.connector import TaskContext
from connect.offsets import MemoryOffsets, StoredOffset

_numbers = itertools.count()


class Backend(ABC):
    """SQL of the backend, the Connect type of its ids, and what qualifies its tables."""

    name: str
    auto_id = "INT AUTO_INCREMENT NOT NULL PRIMARY KEY"
    time_type = "DATETIME(6)"
    id_connect = "INT32"
    qualifier = ""

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Where the connector connects to."""

    @abstractmethod
    def run(self, statement: str, *values: object) -> Sequence[Any]:
        """Execute (marks ``?``), commit, return rows."""

    def qualified(self, table: str) -> str:
        return f"{self.qualifier}.{table}" if self.qualifier else table


class MySqlBackend(Backend):
    def __init__(self, name: str, server: devstack.Server) -> None:
        self.name = name
        self.server = server
        self.database = self.qualifier = f"polling_{next(_numbers)}"
        self._connection = pymysql.connect(host=server.host, port=server.port, user=server.user)
        self.run(f"CREATE DATABASE {self.database} CHARACTER SET utf8mb4")
        self.run(f"USE {self.database}")
        # As Connector/J by default, the session's zone is the server's; here that is UTC for all.
        self.run("SET time_zone = '+00:00'")

    @property
    def settings(self) -> dict[str, str]:
        url = f"jdbc:mysql://{self.server.host}:{self.server.port}/{self.database}"
        return {
            "connection.url": url + "?useSSL=false&zeroDateTimeBehavior=convertToNull",
            "connection.user": self.server.user,
            "connection.sessionVariables": "time_zone='+00:00'",
        }

    def run(self, statement: str, *values: object) -> Sequence[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement.replace("?", "%s"), values or None)
            rows = cursor.fetchall()
        self._connection.commit()
        return rows

    @contextmanager
    def uncommitted(self, statement: str) -> Iterator[None]:
        """Within, the statement has run in a transaction that is still open."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            yield
            self._connection.rollback()

    def close(self) -> None:
        self.run(f"DROP DATABASE {self.database}")
        self._connection.close()


class PostgresBackend(Backend):
    name = "postgres"
    auto_id = "SERIAL PRIMARY KEY"
    time_type = "TIMESTAMP"
    qualifier = "public"

    def __init__(self, server: devstack.Server) -> None:
        self.server = server
        self.database = f"polling_{next(_numbers)}"
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {self.database}")  # type: ignore[arg-type]
        self._connection = psycopg.connect(
            host=server.host, port=server.port, user=server.user, dbname=self.database,
            autocommit=True,
        )  # fmt: skip
        self.run("SET TIME ZONE 'UTC'")

    @property
    def settings(self) -> dict[str, str]:
        url = f"postgresql://{self.server.user}@{self.server.host}:{self.server.port}"
        return {"connection.url": f"{url}/{self.database}"}

    def run(self, statement: str, *values: object) -> Sequence[Any]:
        cursor = self._connection.execute(
            statement.replace("?", "%s"),  # type: ignore[arg-type]
            values or None,
        )
        return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        self._connection.close()
        with psycopg.connect(self.server.url, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {self.database} WITH (FORCE)")  # type: ignore[arg-type]


class SqliteBackend(Backend):
    name = "sqlite"
    auto_id = "INTEGER PRIMARY KEY AUTOINCREMENT"
    id_connect = "INT64"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "polled.db"
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self.run("PRAGMA journal_mode = WAL")  # else a writer waits for an open result

    @property
    def settings(self) -> dict[str, str]:
        return {"connection.url": f"jdbc:sqlite:{self.path}"}

    def run(self, statement: str, *values: object) -> Sequence[Any]:
        return self._connection.execute(statement, values).fetchall()

    def close(self) -> None:
        self._connection.close()


class Poller:
    """A connector's tasks, driven by hand; remembers offsets as the worker would."""

    def __init__(self, backend: Backend, **settings: str) -> None:
        self.settings = {
            "name": "polled",
            "connector.class": "JdbcSource",
            "topic.prefix": "t_",
            "poll.interval.ms": "1",
            "connection.attempts": "1",
            **backend.settings,
            **{key.replace("__", ".").replace("_", "."): value for key, value in settings.items()},
        }
        self.stored: dict[str, tuple[SourcePartition, SourceOffset]] = {}
        self.tasks: list[PollingTask] = []
        self.gauges: list[tuple[str, float, dict[str, str]]] = []

    def start(self) -> Poller:
        reader = MemoryOffsets([StoredOffset(*stored) for stored in self.stored.values()])
        connector = JdbcSourceConnector()
        most = int(self.settings.get("tasks.max", "1"))
        for number, config in enumerate(connector.task_configs(self.settings, most)):
            context = TaskContext("polled", number, reader, None, self._gauge)  # type: ignore[arg-type]
            self.tasks.append(PollingTask(context))
            try:
                self.tasks[-1].start(config)
            except BaseException:
                self.stop()
                raise
        return self

    def _gauge(self, name: str, value: float, **labels: str) -> None:
        self.gauges.append((name, value, labels))

    def stop(self) -> None:
        for task in self.tasks:
            task.stop()
        self.tasks = []

    def __enter__(self) -> Poller:
        return self.start()

    def __exit__(self, *details: object) -> None:
        self.stop()

    def poll(self) -> list[SourceBatch]:
        """One poll of each task, its offsets remembered."""
        batches = [batch for task in self.tasks for batch in task.poll()]
        for batch in batches:
            self.remember(batch, len(batch))
        return batches

    def remember(self, batch: SourceBatch, count: int) -> None:
        """As the worker after the first ``count`` records were acknowledged."""
        offset = batch.offsets[count - 1] if count else None
        if offset is not None:
            key = repr(sorted(batch.source_partition.items()))
            self.stored[key] = (batch.source_partition, offset)

    def batches(self, quiet: int = 3) -> list[SourceBatch]:
        """Polls until ``quiet`` polls in a row of each task gave nothing."""
        found: list[SourceBatch] = []
        silence = 0
        while silence < quiet * len(self.tasks):
            new = self.poll()
            found += new
            silence = 0 if new else silence + 1
        return found

    def rows(self) -> list[dict[str, Any]]:
        """What ``batches`` gives, as one dict a record."""
        return [row for batch in self.batches() for row in named(batch)]


def named(batch: SourceBatch) -> list[dict[str, Any]]:
    assert batch.value_schema is not None
    names = [field.name for field in batch.value_schema.fields]
    return [dict(zip(names, value, strict=True)) for value in batch.values]


def users(backend: Backend, table: str = "users", nullable: str = "NOT NULL") -> None:
    """The table most tests read: an id the database gives, a name, a timestamp."""
    backend.run(
        f"CREATE TABLE {table} (id {backend.auto_id}, name VARCHAR(20),"
        f" tms {backend.time_type} {nullable})"
    )


def add(backend: Backend, name: str, tms: str | None, table: str = "users") -> None:
    backend.run(f"INSERT INTO {table} (name, tms) VALUES (?, ?)", name, tms)
