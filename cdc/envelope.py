"""Debezium's records: the schemas around a table's columns, and the values that fill them.

What depends on the table's shape is made once per table version (``RecordShape``); per row only
tuples are built. Field orders, names and versions follow Debezium 3.6's
``io.debezium.data.Envelope``, ``MySqlSourceInfoStructMaker`` and ``SchemaFactory``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from operator import itemgetter
from typing import NamedTuple

from cdc.types.column_type import ColumnType
from connect.batch import Header
from connect.schema import (
    INT32,
    INT64,
    OPTIONAL_BOOLEAN,
    OPTIONAL_INT32,
    OPTIONAL_INT64,
    OPTIONAL_STRING,
    STRING,
    Schema,
    Type,
    Value,
    array,
    struct,
)
from schema_history import Table

VERSION = version("mysql-cdc")
NEW_KEY = "__debezium.newkey"
OLD_KEY = "__debezium.oldkey"

_SNAPSHOT_MARKERS = (
    "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"
)

_TRANSACTION_BLOCK = struct(
    "event.block",
    [("id", STRING), ("total_order", INT64), ("data_collection_order", INT64)],
    optional=True,
    version=1,
)

_COLUMN = struct(
    "io.debezium.connector.schema.Column",
    [
        ("name", STRING),
        ("jdbcType", INT32),
        ("nativeType", OPTIONAL_INT32),
        ("typeName", STRING),
        ("typeExpression", OPTIONAL_STRING),
        ("charsetName", OPTIONAL_STRING),
        ("length", OPTIONAL_INT32),
        ("scale", OPTIONAL_INT32),
        ("position", INT32),
        ("optional", OPTIONAL_BOOLEAN),
        ("autoIncremented", OPTIONAL_BOOLEAN),
        ("generated", OPTIONAL_BOOLEAN),
        ("comment", OPTIONAL_STRING),
        ("defaultValueExpression", OPTIONAL_STRING),
        ("enumValues", array(STRING, optional=True)),
    ],
    version=1,
)
_TABLE = struct(
    "io.debezium.connector.schema.Table",
    [
        ("defaultCharsetName", OPTIONAL_STRING),
        ("primaryKeyColumnNames", array(STRING, optional=True)),
        ("columns", array(_COLUMN)),
        ("comment", OPTIONAL_STRING),
    ],
    optional=True,
    version=1,
)
_CHANGE = struct(
    "io.debezium.connector.schema.Change",
    [("type", STRING), ("id", STRING), ("table", _TABLE)],
    version=1,
)

HEARTBEAT_KEY = struct(
    "io.debezium.connector.common.ServerNameKey", [("serverName", STRING)], version=1
)
HEARTBEAT_VALUE = struct("io.debezium.connector.common.Heartbeat", [("ts_ms", INT64)], version=1)


def clock() -> tuple[int, int, int]:
    """Now, as an envelope's (ts_ms, ts_us, ts_ns)."""
    nanos = time.time_ns()
    return nanos // 1_000_000, nanos // 1000, nanos


class Origin(NamedTuple):
    """When (in microseconds) and where in the binlog a change was made, and by whom."""

    ts_us: int
    file: str
    pos: int
    server_id: int = 0
    gtid: str | None = None
    thread: int | None = None
    query: str | None = None
    snapshot: str | None = None


class Source:
    """Makes the ``source`` block of one connector."""

    def __init__(self, connector: str, prefix: str) -> None:
        self.connector = connector
        self.schema = struct(
            f"io.debezium.connector.{connector}.Source",
            [
                ("version", STRING),
                ("connector", STRING),
                ("name", STRING),
                ("ts_ms", INT64),
                (
                    "snapshot",
                    Schema(
                        Type.STRING,
                        optional=True,
                        name="io.debezium.data.Enum",
                        version=1,
                        parameters={"allowed": _SNAPSHOT_MARKERS},
                        default="false",
                    ),
                ),
                ("db", STRING),
                ("sequence", OPTIONAL_STRING),
                ("ts_us", OPTIONAL_INT64),
                ("ts_ns", OPTIONAL_INT64),
                ("table", OPTIONAL_STRING),
                ("server_id", INT64),
                ("gtid", OPTIONAL_STRING),
                ("file", STRING),
                ("pos", INT64),
                ("row", INT32),
                ("thread", OPTIONAL_INT64),
                ("query", OPTIONAL_STRING),
            ],
            version=1,
        )
        self._head = (VERSION, connector, prefix)
        name = f"io.debezium.connector.{connector}"
        self.change_key = struct(f"{name}.SchemaChangeKey", [("databaseName", STRING)], version=1)
        self.change_value = struct(
            f"{name}.SchemaChangeValue",
            [
                ("source", self.schema),
                ("ts_ms", INT64),
                ("databaseName", OPTIONAL_STRING),
                ("schemaName", OPTIONAL_STRING),
                ("ddl", OPTIONAL_STRING),
                ("tableChanges", array(_CHANGE)),
            ],
            version=1,
        )

    def block(
        self, origin: Origin, database: str, table: str | None, row: int = 0
    ) -> tuple[Value, ...]:
        """One block."""
        head, tail = self.around_row(origin, database, table)
        return (*head, row, *tail)

    def around_row(
        self, origin: Origin, database: str, table: str | None
    ) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
        """The block's members before and after ``row``, all that rows of one event share."""
        ts_us = origin.ts_us
        times = (ts_us // 1000, origin.snapshot, database, None, ts_us, ts_us * 1000)
        place = (table, origin.server_id, origin.gtid, origin.file, origin.pos)
        return (*self._head, *times, *place), (origin.thread, origin.query)


@dataclass(frozen=True)
class RecordShape:
    """A captured table version as records see it: schemas, and a row's key.

    ``key_of`` takes a row (a tuple of the captured columns) to its key struct.
    """

    topic: str
    key_schema: Schema | None
    value_schema: Schema
    key_of: Callable[[tuple[Value, ...]], tuple[Value, ...]] | None


def record_shape(
    table: Table,
    columns: Sequence[tuple[str, ColumnType]],
    *,
    topic: str,
    source: Source,
    comments: Mapping[str, str | None] | None = None,
) -> RecordShape:
    """The shape for the captured ``columns`` of a table, named in order with their types.

    ``comments`` by column become the fields' doc where they are asked for.
    """

    def field_schema(name: str, column_type: ColumnType) -> Schema:
        comment = comments.get(name) if comments else None
        return replace(column_type.schema, doc=comment) if comment else column_type.schema

    fields = [(name, field_schema(name, column_type)) for name, column_type in columns]
    places = {name.lower(): place for place, (name, _) in enumerate(fields)}
    key_places = [places[name.lower()] for name in table.key_columns if name.lower() in places]
    key_schema = None
    if key_places:
        key_schema = struct(f"{topic}.Key", [fields[place] for place in key_places])
    row = struct(f"{topic}.Value", fields, optional=True)
    envelope = struct(
        f"{topic}.Envelope",
        [
            ("before", row),
            ("after", row),
            ("source", source.schema),
            ("transaction", _TRANSACTION_BLOCK),
            ("op", STRING),
            ("ts_ms", OPTIONAL_INT64),
            ("ts_us", OPTIONAL_INT64),
            ("ts_ns", OPTIONAL_INT64),
        ],
        version=2,
    )
    return RecordShape(topic, key_schema, envelope, _key_getter(key_places))


def _key_getter(
    places: Sequence[int],
) -> Callable[[tuple[Value, ...]], tuple[Value, ...]] | None:
    if not places:
        return None
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    return itemgetter(*places)


def context_headers(connector: str, prefix: str, task: int) -> tuple[Header, ...]:
    """The headers every record of one run carries."""
    return tuple(
        Header(f"__debezium.context.{name}", STRING, value)
        for name, value in (
            ("connectorLogicalName", prefix),
            ("taskId", str(task)),
            ("connectorName", connector),
            ("runId", _uuid7()),
        )
    )


def _uuid7() -> str:
    """A time-ordered UUID (RFC 9562, version 7)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
