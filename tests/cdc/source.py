"""Drives the binlog task in a test: its records, offsets and history, without a worker."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pymysql

import devstack
from cdc.connector import MySqlTask
from connect.batch import Record, SourceOffset, SourcePartition
from connect.connector import OffsetReader, TaskContext
from connect.log.contract import Log
from connect.schema import Schema


class NoLog(Log):
    """The tasks of these tests keep their history in files."""

    kind = "none"

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the log is not used here: {name}")


NoLog.__abstractmethods__ = frozenset()


class Stored(OffsetReader):
    def __init__(self, offset: SourceOffset | None) -> None:
        self._offset = offset

    def offset(self, partition: SourcePartition) -> SourceOffset | None:
        return self._offset


@dataclass
class Source:
    """One life of a task after the other, on the same offset and history."""

    server: devstack.Server
    database: str
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    offset: SourceOffset | None = None
    records: list[Record] = field(default_factory=list)
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)

    def config(self) -> dict[str, str]:
        return {
            "name": "source",
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "topic.prefix": "tp",
            "database.hostname": self.server.host,
            "database.port": str(self.server.port),
            "database.user": self.server.user,
            "database.password": self.server.password,
            "database.server.id": "4711",
            "database.include.list": self.database,
            "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
            "schema.history.internal.file.filename": str(self.folder / "history"),
        } | self.settings

    @property
    def history(self) -> list[str]:
        return (self.folder / "history").read_text().splitlines()

    @contextmanager
    def task(self) -> Iterator[MySqlTask]:
        def gauge(name: str, value: float, **labels: str) -> None:
            self.gauges[name, ",".join(labels.values())] = value

        task = MySqlTask(TaskContext("source", 0, Stored(self.offset), NoLog(), gauge))
        try:
            task.start(self.config())
            yield task
        finally:
            task.stop()

    def take(self, task: MySqlTask, done: Callable[[], bool], seconds: float = 20) -> None:
        """Poll until ``done``; records and the last offset are kept."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"not done; records so far: {self.records[-5:]}"
            for batch in task.poll():
                self.records += batch.records()
                self.offset = batch.offsets[-1] if batch.offsets else self.offset

    def run(self, count: int, topic: str | None = None) -> list[Record]:
        """A life that ends when ``count`` more records (of the topic) are there; those."""
        start = len(self.records)

        def new() -> list[Record]:
            found = self.records[start:]
            return [r for r in found if topic is None or r.topic == topic]

        with self.task() as task:
            self.take(task, lambda: len(new()) >= count)
        assert len(new()) == count, new()
        return new()

    def folded(self) -> dict[str, dict[Any, tuple[Any, ...]]]:
        """What a compacted topic would say of each table: the last row by key."""
        tables: dict[str, dict[Any, tuple[Any, ...]]] = defaultdict(dict)
        for record in self.records:
            if record.key is None or record.value_schema is None or record.value is None:
                continue
            if not str(record.value_schema.name).endswith(".Envelope"):
                continue
            event = dict_of(record.value_schema, record.value)
            if event["op"] == "d":
                tables[record.topic].pop(record.key, None)
            else:
                tables[record.topic][record.key] = event["after"]
        return tables


def dict_of(schema: Schema | None, value: tuple[Any, ...]) -> dict[str, Any]:
    assert schema is not None
    return {member.name: item for member, item in zip(schema.fields, value, strict=True)}


def row(record: Record, which: str = "after") -> dict[str, Any] | None:
    """A record's row by column name."""
    assert record.value_schema is not None
    event = dict_of(record.value_schema, record.value)
    if event[which] is None:
        return None
    member = record.value_schema.field(which)
    assert member is not None
    return dict_of(member.schema, event[which])


def op(record: Record) -> str:
    return str(dict_of(record.value_schema, record.value)["op"]) if record.value else "tombstone"


def source_of(record: Record) -> dict[str, Any]:
    assert record.value_schema is not None
    block = record.value_schema.field("source")
    assert block is not None
    return dict_of(block.schema, dict_of(record.value_schema, record.value)["source"])


@contextmanager
def client(server: devstack.Server, database: str | None = None) -> Iterator[Callable[..., Any]]:
    """A function that runs a statement and gives its rows."""
    connection = pymysql.connect(
        host=server.host, port=server.port, user=server.user, password=server.password,
        database=database, autocommit=True,
    )  # fmt: skip

    def run(sql: str, arguments: Any = None) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return cursor.fetchall()

    try:
        yield run
    finally:
        connection.close()
