"""Someone who polls a whole database: tables that are made or dropped later need no restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.scenarios.worker import Worker


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=20)) as database, database:
        yield database


def found(path: Path, table: str) -> list[int]:
    with opened(path) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchall():
            return []
        return [n for (n,) in database.execute(f'SELECT id FROM "{table}" ORDER BY rowid')]


@pytest.mark.timeout(180)
def test_tables_come_and_go(tmp_path: Path) -> None:
    source, target = tmp_path / "source.sqlite", tmp_path / "target.sqlite"
    with opened(source) as database:
        database.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
        database.execute("INSERT INTO a VALUES (1), (2)")
    worker = Worker(tmp_path, {})
    worker.connector(
        {
            "name": "poll",
            "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
            "connection.url": f"jdbc:sqlite:{source}",
            "mode": "incrementing",
            "incrementing.column.name": "id",
            "table.blacklist": "secret",
            "table.poll.interval.ms": "500",
            "poll.interval.ms": "200",
            "topic.prefix": "all_",
            "tasks.max": "3",
        }
    )
    worker.connector(
        {
            "name": "copy",
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "connection.url": f"jdbc:sqlite:{target}",
            "topics.regex": "all_.*",
            "auto.create": "true",
            "consumer.override.metadata.max.age.ms": "500",
        }
    )

    def tasks() -> int:
        return len(worker.get("/connectors/poll/tasks"))

    with worker:
        worker.until(lambda: found(target, "all_a") == [1, 2], 60, "the first table")
        assert tasks() == 1
        with opened(source) as database:
            database.execute("CREATE TABLE b (id INTEGER PRIMARY KEY)")
            database.execute("CREATE TABLE secret (id INTEGER PRIMARY KEY)")
            database.execute("INSERT INTO b VALUES (7)")
            database.execute("INSERT INTO secret VALUES (8)")
        worker.until(lambda: found(target, "all_b") == [7], 60, "the new table")
        worker.running()
        assert tasks() == 2
        with opened(source) as database:
            database.execute("INSERT INTO a VALUES (3)")
            database.execute("DROP TABLE b")
        worker.until(lambda: found(target, "all_a") == [1, 2, 3], 60, "a goes on where it was")
        worker.until(lambda: tasks() == 1, 60, "the dropped table has no task")
        worker.running()
        assert found(target, "all_secret") == []
        assert worker.stop() == 0
