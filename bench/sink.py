"""Upserts from Debezium's envelopes with schemas into each database, by one task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Final, LiteralString

import duckdb
import psycopg
import pymysql

from bench import workload
from bench.measure import BenchError, Result
from bench.program import Program, Running
from bench.source import begun, converters, stream, topic
from bench.stand import Stand

DATABASE = "bench_sink"
TARGET: Final = "bench_mirror"
"""The table, and in MySQL its database too."""


class Target(ABC):
    """A database the sink writes into."""

    title: str
    url: str

    @abstractmethod
    def written(self, running: Running) -> int:
        """How many rows have been written so far; their ids ascend, as in the one partition."""

    @abstractmethod
    def count(self) -> int:
        """How many rows are there, when the sink has ended."""

    @abstractmethod
    def clear(self) -> None:
        """Drop the table, so that the next run begins like the first."""

    def close(self) -> None:
        """Close what is open for looking."""


class MySQL(Target):
    title = "MySQL"

    def __init__(self, stand: Stand) -> None:
        server = stand.mysql
        self.url = f"{server.url}/{TARGET}"
        self._connection = pymysql.connect(
            host=server.host, port=server.port, user=server.user, autocommit=True
        )
        self._ask(f"CREATE DATABASE {TARGET}")
        self._ask(f"USE {TARGET}")

    def written(self, running: Running) -> int:
        try:
            return self._ask(f"SELECT MAX(id) FROM {TARGET}")
        except pymysql.err.ProgrammingError:
            return 0  # the sink has not made the table yet

    def count(self) -> int:
        return self._ask(f"SELECT COUNT(*) FROM {TARGET}")

    def clear(self) -> None:
        self._ask(f"DROP TABLE {TARGET}")

    def close(self) -> None:
        self._connection.close()

    def _ask(self, statement: str) -> int:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            row = cursor.fetchone()
        return int(row[0] or 0) if row else 0


class PostgreSQL(Target):
    title = "PostgreSQL"

    def __init__(self, stand: Stand) -> None:
        self.url = stand.postgres.url
        self._connection = psycopg.connect(self.url, autocommit=True)

    def written(self, running: Running) -> int:
        try:
            return self._ask("MAX(id)")
        except psycopg.errors.UndefinedTable:
            return 0

    def count(self) -> int:
        return self._ask("COUNT(*)")

    def clear(self) -> None:
        self._connection.execute(f"DROP TABLE {TARGET}")

    def close(self) -> None:
        self._connection.close()

    def _ask(self, what: LiteralString) -> int:
        row = self._connection.execute(f"SELECT {what} FROM {TARGET}").fetchone()
        return int(row[0] or 0) if row else 0


class DuckDB(Target):
    title = "DuckDB"

    def __init__(self, stand: Stand) -> None:
        self._file = stand.folder / "target.duckdb"
        self.url = f"duckdb:///{self._file}"

    def written(self, running: Running) -> int:
        return running.records()  # nobody else can open the file meanwhile

    def count(self) -> int:
        with closing(duckdb.connect(str(self._file))) as connection:
            row = connection.execute(f"SELECT COUNT(*) FROM {TARGET}").fetchone()
        return int(row[0]) if row else 0

    def clear(self) -> None:
        self._file.unlink()


def measure(stand: Stand) -> Iterator[Result]:
    rows = stand.sizes.sink
    with workload.table(stand.mysql, DATABASE) as cursor:
        begin = begun(stand, DATABASE)
        workload.insert(cursor, rows)
    stream(stand, stand.programs[0], begin, DATABASE, "filling", rows, schemas=True)
    for make in (MySQL, PostgreSQL, DuckDB):
        with closing(make(stand)) as target:
            for program in stand.programs:
                yield _upserts(stand, program, target, rows)
                target.clear()


def _upserts(stand: Stand, program: Program, target: Target, rows: int) -> Result:
    group = f"{target.title}-{program.name}".lower()
    folder = stand.scratch(group)
    worker = {"bootstrap.servers": stand.kafka.url, **converters(True)}
    work = f"sink into {target.title}, JSON with schemas"
    with Running(program, folder, worker, _settings(group, target.url)) as running:
        result = running.measure(work, partial(target.written, running), rows)
    if target.count() != rows:
        raise BenchError(f"{target.title} has {target.count()} rows, not {rows}")
    return result


def _settings(name: str, url: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "tasks.max": "1",
        "topics": topic(DATABASE),
        "connection.url": url,
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        "delete.enabled": "true",
        "auto.create": "true",
        "table.name.format": TARGET,
        "consumer.override.auto.offset.reset": "earliest",
    }
