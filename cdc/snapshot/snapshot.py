"""The initial snapshot: schemas and rows as of one position, then streaming goes on from there.

Steps and records are those of Debezium (``BinlogSnapshotChangeEventSource``), but for two. A table
that is altered, renamed or dropped while rows are read is read once more, as it is then, after the
others: its later rows only repeat what the stream will bring, so nothing is lost and the snapshot
does not fail. And what an interrupted earlier attempt left behind is cleaned up first, see
``cdc.reader``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import pymysql

from cdc.capture import Capture, TableVersion
from cdc.config import SnapshotMode
from cdc.connection import Connection
from cdc.envelope import Origin, clock
from cdc.offset import Offset
from cdc.schema_changes import SchemaChanges, Statement
from cdc.snapshot.consistent import (
    consistent_view,
    list_tables,
    query,
    show_create,
    start_transaction,
)
from cdc.snapshot.query import stream_rows
from cdc.snapshot.text_rows_cy import TextPlan
from connect.batch import SourceBatch
from connect.errors import SourceError
from connect.mysql_errors import TABLE_CHANGED, code_of
from connect.quoting import backticked
from connect.schema import Value
from schema_history import Change, Schemas, TableId

_logger = logging.getLogger(__name__)

_CHANGES_AT_ONCE = 500
_MOST_REREADS = 20

FIRST, FIRST_OF_TABLE, TRUE = "first", "first_in_data_collection", "true"
LAST_OF_TABLE, LAST = "last_in_data_collection", "last"

Row = tuple[Value, ...]
Gauge = Callable[..., None]


class _Held(NamedTuple):
    """The last row read so far, kept back until it is known whether another follows."""

    version: TableVersion
    row: Row
    micros: int


class Snapshot:
    """One attempt. ``take`` gives all its records."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        capture: Capture,
        changes: SchemaChanges,
        gauge: Gauge,
    ) -> None:
        self._connect = connect
        self._capture = capture
        self._changes = changes
        self._gauge = gauge
        self._config = capture.config
        self._partition = {"server": capture.config.topic_prefix}
        self._reader: Connection | None = None
        self._offset: Offset | None = None
        self._held: _Held | None = None
        self._current: TableVersion | None = None

    @property
    def offset(self) -> Offset:
        """Where streaming goes on from, after ``take``."""
        assert self._offset is not None
        return self._offset

    def take(self, clean_up: Callable[[Offset], Iterator[SourceBatch]]) -> Iterator[SourceBatch]:
        """Open the view, let ``clean_up`` remove what is stale at its position, and read it all.

        ``capture.schemas`` is filled anew. The last record's offset says that all is done.
        """
        config = self._config
        self._gauge("snapshot_running", 1)
        self._reader = self._connect()
        try:
            with consistent_view(
                self._reader, self._connect, config.snapshot_locking,
                config.snapshot_lock_timeout, self._to_lock,
            ) as offset:  # fmt: skip
                self._offset = offset
                statements = self._statements(self._reader)
            yield from clean_up(offset)
            yield from self._schemas(statements)
            if config.snapshot_mode is not SnapshotMode.NO_DATA:
                yield from self._rows()
            yield self._end()
        finally:
            self._reader.close()
            self._gauge("snapshot_running", 0)

    # --- schemas ---------------------------------------------------------------------------------

    def _to_lock(self, connection: Connection) -> list[TableId]:
        found = list_tables(connection, self._capture.filters.database)
        return [t for tables in found.values() for t in tables if self._capture.filters.table(t)]

    def _statements(self, reader: Connection) -> list[tuple[str, str]]:
        """(statement, database) pairs that build every schema, in Debezium's order."""
        filters = self._capture.filters
        charset, collation = query(
            reader, "SELECT @@character_set_server, @@collation_server"
        )[0]  # fmt: skip
        text = f"SET character_set_server={charset}, collation_server={collation}"
        statements = [(text, "")]
        databases = list_tables(reader, lambda name: filters.history(name, None))
        tables = [
            table
            for found in databases.values()
            for table in found
            if filters.history(table.database, table)
        ]
        for table in tables:
            name = backticked(table.database, table.table)
            statements.append((f"DROP TABLE IF EXISTS {name}", table.database))
        defaults = _database_defaults(reader)
        for database in databases:
            name, (charset, collation) = backticked(database), defaults[database]
            statements.append((f"DROP DATABASE IF EXISTS {name}", database))
            create = f"CREATE DATABASE {name} CHARSET {charset} COLLATE {collation}"
            statements.append((create, database))
            statements.append((f"USE {name}", database))
            statements += [
                (show_create(reader, table), database)
                for table in tables
                if table.database == database
            ]
        return statements

    def _schemas(self, statements: Sequence[tuple[str, str]]) -> Iterator[SourceBatch]:
        assert self._offset is not None
        place = self._offset.place
        origin = Origin(clock()[1], place.file, place.pos, snapshot=TRUE)
        statement = Statement(self._offset, origin)
        pending: list[Change] = []
        for sql, database in statements:
            pending += self._capture.schemas.apply(sql, database)
            if len(pending) >= _CHANGES_AT_ONCE:
                yield from self._changes.record(pending, statement)
                pending = []
        yield from self._changes.record(pending, statement)

    # --- rows ------------------------------------------------------------------------------------

    def _rows(self) -> Iterator[SourceBatch]:
        versions = self._wanted(self._capture.schemas)
        self._gauge("snapshot_tables", len(versions))
        done: set[TableId] = set()
        changed: list[TableId] = []
        for version in versions:
            try:
                yield from self._table(version)
                done.add(version.table.id)
            except _ChangedError as error:
                _logger.info("Table %s is read again at the end: %s", version.table.id, error)
                changed.append(version.table.id)
        rereads = 0
        while changed and rereads < _MOST_REREADS:
            changed = yield from self._again(done)
            rereads += 1
        if not changed:
            return
        raise SourceError(
            f"Tables {', '.join(map(str, changed))} were altered each time they were read.",
            cure="Start again when no migration is running.",
        )

    def _wanted(self, schemas: Schemas) -> list[TableVersion]:
        filters = self._capture.filters
        ids = [t for t in schemas if filters.table(t) and filters.snapshot(t)]
        found = (self._capture.by_id(t) for t in sorted(ids, key=filters.order))
        return [version for version in found if version is not None]

    def _again(self, done: set[TableId]) -> Generator[SourceBatch, None, list[TableId]]:
        """Read, as they are now, all captured tables that were not read; those that changed again
        are the generator's result. A new name may be one of the old tables renamed."""
        assert self._reader is not None
        self._reader.close()
        self._reader = self._connect()
        start_transaction(self._reader)
        filters = self._capture.filters
        listed = list_tables(self._reader, filters.database)
        current = self._capture.schemas.emptied()
        changed = []
        for table_id in (t for tables in listed.values() for t in tables):
            if table_id in done or not (filters.table(table_id) and filters.snapshot(table_id)):
                continue
            try:
                current.apply(show_create(self._reader, table_id), table_id.database)
                yield from self._table(self._capture.version(current[table_id]))
                done.add(table_id)
            except _ChangedError:
                changed.append(table_id)
        return changed

    def _table(self, version: TableVersion) -> Iterator[SourceBatch]:
        """All rows of one table; _ChangedError before the first one if it is not as expected."""
        assert self._reader is not None
        table = version.table.id
        name = backticked(table.database, table.table)
        captured = version.captured
        expressions = (kind.select.format(backticked(c.name)) for c, kind in captured)
        sql = f"SELECT {', '.join(expressions)} FROM {name}"
        try:
            query(self._reader, "SAVEPOINT before_table")
            (seconds,) = query(self._reader, "SELECT UNIX_TIMESTAMP()")[0]
            self._gauge("snapshot_rows_expected", self._estimate(table), table=str(table))
            count = 0
            plan = TextPlan([kind.text for _, kind in captured])
            for rows in stream_rows(self._reader, sql, plan):
                yield from self._chunk(version, rows, int(seconds) * 1_000_000)
                count += len(rows)
                self._gauge("snapshot_rows", count, table=str(table))
            self._gauge("snapshot_rows", count, table=str(table))
            self._gauge("snapshot_done", 1, table=str(table))
            # Gives the table's metadata lock back: else no DDL could run until the end.
            query(self._reader, "ROLLBACK TO SAVEPOINT before_table")
        except pymysql.err.MySQLError as error:
            if code_of(error) in TABLE_CHANGED:
                raise _ChangedError(error.args[1]) from error
            raise

    def _estimate(self, table: TableId) -> int:
        assert self._reader is not None
        found = query(
            self._reader,
            "SELECT TABLE_ROWS FROM information_schema.TABLES "
            "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s",
            table.database,
            table.table,
        )
        return int(found[0][0] or 0) if found else 0

    # --- records ---------------------------------------------------------------------------------

    def _chunk(
        self, version: TableVersion, rows: Sequence[Row], micros: int
    ) -> Iterator[SourceBatch]:
        """Records of these rows but the last, which is held back; and of one held before."""
        held, self._held = self._held, _Held(version, rows[-1], micros)
        if held is not None and held.version is not version:
            yield self._let_go(held, LAST_OF_TABLE)
            held = None
        ready = rows[:-1] if held is None else [held.row, *rows[:-1]]
        if not ready:
            return
        first = TRUE
        if self._current is not version:
            first = FIRST_OF_TABLE if self._current is not None else FIRST
            self._current = version
        yield self._records(version, ready, micros, [first, *[TRUE] * (len(ready) - 1)])

    def _let_go(self, held: _Held, marker: str) -> SourceBatch:
        if self._current is None and marker != LAST:
            marker = FIRST
        self._current = held.version
        return self._records(held.version, [held.row], held.micros, [marker])

    def _end(self) -> SourceBatch:
        """The last record, or none if there are no rows, with the offset to stream from."""
        assert self._offset is not None
        self._offset = replace(self._offset, snapshot=None)
        if self._held is not None:
            return self._let_go(self._held, LAST)
        return SourceBatch.progress(self._partition, self._offset.members())

    def _records(
        self, version: TableVersion, rows: Sequence[Row], micros: int, markers: Sequence[str]
    ) -> SourceBatch:
        assert self._offset is not None
        table, shape, place = version.table.id, version.shape, self._offset.place
        blocks = {
            marker: self._capture.source.block(
                Origin(micros, place.file, place.pos, snapshot=marker), table.database, table.table
            )
            for marker in set(markers)
        }
        now = clock()
        offset = self._offset.members()
        return SourceBatch(
            topic=shape.topic,
            key_schema=shape.key_schema,
            value_schema=shape.value_schema,
            keys=[None] * len(rows) if shape.key_of is None else list(map(shape.key_of, rows)),
            values=[
                (None, row, blocks[marker], None, "r", *now)
                for row, marker in zip(rows, markers, strict=True)
            ],
            headers=self._capture.headers,
            source_partition=self._partition,
            offsets=[offset] * len(rows),
        )


class _ChangedError(Exception):
    """A table is not what the snapshot's view says; internal."""


def _database_defaults(connection: Connection) -> dict[str, tuple[str, str]]:
    """Character set and collation of each database."""
    sql = (
        "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME "
        "FROM information_schema.SCHEMATA"
    )
    return {name: (charset, collation) for name, charset, collation in query(connection, sql)}
