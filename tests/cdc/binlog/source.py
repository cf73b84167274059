"""A database of a real server, its binlog and its tables, for tests of reading."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import devstack
from cdc.binlog.plan import row_plan
from cdc.binlog.protocol import ReplicaSettings
from cdc.binlog.rows_cy import RowPlan
from cdc.binlog.steps import BinlogPosition, RowsStep, Step
from cdc.binlog.stream import BinlogStream
from cdc.binlog.table_map import TableMap
from cdc.connection import Connection, Endpoint, Server
from cdc.snapshot.query import stream_rows
from cdc.snapshot.text_rows_cy import TextPlan
from cdc.types.column_type import ColumnType
from cdc.types.families import column_type
from cdc.types.options import Options
from schema_history import Schemas, Table, TableId


@dataclass
class Planned:
    """What the stream is told about a table."""

    table: Table
    plan: RowPlan


class Source:
    """A database of its own, and a connection in it. Timestamps are UTC, wrong values allowed."""

    def __init__(self, server: devstack.Server) -> None:
        self.endpoint = Endpoint(host=server.host, port=server.port, user="root")
        self.connection: Connection = self.endpoint.connect()
        self.server = Server.ask(self.connection)
        self.database = f"d{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {self.database} CHARACTER SET utf8mb4")
        self.execute(f"USE {self.database}")
        self.execute("SET sql_mode = ''")

    def close(self) -> None:
        self.execute(f"DROP DATABASE {self.database}")
        self.connection.close()

    def execute(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            return list(cursor.fetchall())

    def position(self) -> BinlogPosition:
        return BinlogPosition(*self.server.binlog_position(self.connection))

    def table(self, name: str) -> Table:
        """The model of a table, from what the server says about it."""
        ((_, statement),) = self.execute(f"SHOW CREATE TABLE {name}")
        schemas = Schemas()
        schemas.apply(statement, self.database)
        return schemas[TableId(self.database, name)]

    def types(self, table: Table, options: Options | None = None) -> list[ColumnType]:
        return [column_type(column, options or Options()) for column in table.columns]

    def stream(
        self,
        start: BinlogPosition,
        *tables: str,
        by_gtid: bool = False,
        options: Options | None = None,
    ) -> BinlogStream[Planned]:
        known = {name: self.table(name) for name in tables}

        def interested(stored: TableMap) -> Planned | None:
            table = known.get(stored.table)
            if stored.database != self.database or table is None:
                return None
            return Planned(table, row_plan(table, stored, self.types(table, options)))

        settings = ReplicaSettings(10_000 + self.connection.thread_id(), heartbeat=1.0)
        return BinlogStream(self.endpoint.connect, settings, start, interested, by_gtid=by_gtid)

    def steps(
        self,
        start: BinlogPosition,
        *tables: str,
        by_gtid: bool = False,
        options: Options | None = None,
    ) -> list[Step[Planned]]:
        """All steps from ``start`` to where the binlog ends now."""
        end = self.position()
        stream = self.stream(start, *tables, by_gtid=by_gtid, options=options)
        found: list[Step[Planned]] = []
        for step in stream:
            found.append(step)
            # Not equal: MariaDB writes checkpoints on its own.
            if (stream.position.file, stream.position.pos) >= (end.file, end.pos):
                stream.close()
                return found
        raise AssertionError("the stream ended")

    def streamed(
        self, start: BinlogPosition, table: str, options: Options | None = None
    ) -> list[tuple[Any, ...]]:
        """The after images of a table's rows since ``start``."""
        return [
            row
            for step in self.steps(start, table, options=options)
            if isinstance(step, RowsStep)
            for row in step.after
        ]

    def selected(self, name: str, options: Options | None = None) -> list[tuple[Any, ...]]:
        """The rows of a table as a snapshot reads them, by the first column."""
        table = self.table(name)
        types = self.types(table, options)
        shown = ", ".join(
            kind.select.format(f"`{column.name}`")
            for column, kind in zip(table.columns, types, strict=True)
        )
        plan = TextPlan([kind.text for kind in types])
        query = f"SELECT {shown} FROM `{name}` ORDER BY 1"
        return [row for rows in stream_rows(self.connection, query, plan) for row in rows]
