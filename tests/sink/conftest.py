"""Target databases for the sink's tests, each empty, and tasks that write into them."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import psycopg
import pymysql
import pytest

from connect.connector import OffsetReader, TaskContext
from connect.log.contract import Log
from connect.sql_url import parse
from sink.connector import JdbcSinkTask

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Database:
    """An empty database and its URL."""

    kind: str
    url: str

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Execute a statement on a connection of its own, commit, and give the rows if any."""
        where = parse(self.url)
        connection: Any
        if self.kind in ("mysql", "mariadb"):
            connection = pymysql.connect(
                host=where.host, port=where.port or 0, user=where.user, database=where.database,
                charset="utf8mb4", init_command="SET time_zone='+00:00'",
            )  # fmt: skip
        elif self.kind == "postgres":
            connection = psycopg.connect(self.url)
        elif self.kind == "sqlite":
            connection = sqlite3.connect(where.database)
        else:
            connection = duckdb.connect(where.database)
        with closing(connection):
            cursor = connection.cursor()
            cursor.execute(statement)
            rows = cursor.fetchall() if self.kind == "duckdb" or cursor.description else []
            connection.commit()
            return list(rows)

    def quoted(self, name: str) -> str:
        mark = "`" if self.kind in ("mysql", "mariadb") else '"'
        return f"{mark}{name}{mark}"


class OneLog:
    """The part of a log that a sink looks at: every topic has ``count`` partitions."""

    count = 1

    def partitions(self, topic: str) -> int | None:
        return self.count


Start = Callable[..., JdbcSinkTask]


@pytest.fixture
def start(database: Database) -> Iterator[Start]:
    """Start a task on the database; keys with ``__`` for dots. Stopped at the end."""
    tasks: list[JdbcSinkTask] = []

    def starter(partitions: int = 1, **settings: object) -> JdbcSinkTask:
        log = OneLog()
        log.count = partitions
        context = TaskContext(
            "sink", 0, cast(OffsetReader, None), cast(Log, log), lambda *a, **k: None
        )
        task = JdbcSinkTask(context)
        tasks.append(task)
        task.start(configured(database, settings))
        return task

    yield starter
    for task in tasks:
        task.stop()


def configured(database: Database, settings: Mapping[str, object]) -> dict[str, str]:
    given = {name.replace("__", "."): value for name, value in settings.items()}
    texts = {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in given.items()}
    return {
        "name": "sink",
        "connector.class": "JdbcSinkConnector",
        "topics": "t",
        "connection.url": database.url,
        **texts,
    }


def fresh(kind: str, request: pytest.FixtureRequest, folder: Path) -> Database:
    """A new empty database of a kind."""
    name = f"sink_{next(_numbers)}"
    if kind == "sqlite":
        return Database(kind, f"sqlite:///{folder / name}.db")
    if kind == "duckdb":
        return Database(kind, f"duckdb:///{folder / name}.duckdb")
    server = request.getfixturevalue(kind)
    if kind == "postgres":
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return Database(kind, server.url.rpartition("/")[0] + f"/{name}")
    with closing(pymysql.connect(host=server.host, port=server.port, user=server.user)) as admin:
        admin.cursor().execute(f"CREATE DATABASE {name}")
    scheme = "mariadb" if kind == "mariadb" else "mysql"
    return Database(kind, f"{scheme}://{server.user}@{server.host}:{server.port}/{name}")


@pytest.fixture(params=["mysql", "mariadb", "postgres", "sqlite", "duckdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return fresh(request.param, request, tmp_path)
