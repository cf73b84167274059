"""From the binlog's steps to Debezium's records, with the schemas as they are at each place."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from cdc.binlog.gtid import GtidSet
from cdc.binlog.steps import (
    BinlogPosition,
    CommitStep,
    HeartbeatStep,
    Kind,
    QueryStep,
    RotateStep,
    RowsStep,
    Step,
)
from cdc.binlog.stream import BinlogStream
from cdc.capture import Capture, CapturedTable
from cdc.envelope import HEARTBEAT_KEY, HEARTBEAT_VALUE, NEW_KEY, OLD_KEY, Origin, clock
from cdc.heartbeat import Heartbeat
from cdc.logged_text import changes_rows, target
from cdc.offset import Offset, RowOffsets, order
from cdc.schema_changes import SchemaChanges, Statement
from connect.batch import Header, SourceBatch
from connect.errors import DdlError, SourceError
from connect.schema import Value
from schema_history import Change, ChangeKind, SqlMode, TableId, filtered_out

_logger = logging.getLogger(__name__)

_IDLE_OFFSET_SECONDS = 1.0
"""So often, at most, is an offset sent on without records, to move past events of others."""


class Streaming:
    """Iterate over ``batches``. ``deletions`` gives what an interrupted snapshot left stale."""

    def __init__(
        self,
        stream: BinlogStream[CapturedTable],
        capture: Capture,
        changes: SchemaChanges,
        heartbeat: Heartbeat | None,
        begin: Offset,
    ) -> None:
        self._stream = stream
        self._capture = capture
        self._changes = changes
        self._heartbeat = heartbeat
        self._config = capture.config
        self._skipped = frozenset(capture.config.skipped_operations)
        self._partition = {"server": capture.config.topic_prefix}
        self._headers = capture.headers
        self._offset = begin
        self._ts_sec = begin.ts_sec
        self._server_id = begin.server_id
        self._event: RowsStep[CapturedTable]
        self._sent = 0.0
        self._last_row = 0
        self.lag_ms = 0.0
        """How old the last event was when it was read; 0 once the server has nothing new."""

    def batches(self) -> Iterator[SourceBatch]:
        for step in self._stream:
            gave = False
            for batch in self._step(step):
                gave = True
                yield batch
            if isinstance(step, RotateStep):
                # Reading by GTIDs begins with the head of a file, which is not where we stand.
                continue
            if self._heartbeat is not None and self._heartbeat.due():
                self._move_on()
                yield self._heartbeat_record()
                gave = True
            now = time.monotonic()
            if gave:
                self._sent = now
            elif now - self._sent > _IDLE_OFFSET_SECONDS:
                self._sent = now
                self._move_on()
                yield self._progress()

    def deletions(self, until: BinlogPosition) -> Iterator[SourceBatch]:
        """Deletes up to ``until``: rows that were deleted, and old keys of rows that got new ones.

        Their offset stays where they begin, so that an interruption begins there again.
        """
        offset = self._offset.members()
        for step in self._stream:
            if isinstance(step, RowsStep) and step.kind is not Kind.INSERT:
                gone = step.before
                if step.kind is Kind.UPDATE:
                    key_of = step.table.shape.key_of
                    if key_of is None:
                        continue
                    pairs = zip(step.before, step.after, strict=True)
                    gone = [before for before, after in pairs if key_of(before) != key_of(after)]
                if gone:
                    deletes = replace(step, kind=Kind.DELETE, before=gone, after=[])
                    for batch in self._rows(deletes):
                        yield replace(batch, offsets=[offset] * len(batch))
            elif isinstance(step, QueryStep):
                self._read(step)
            if _reached(self._stream.position, until):
                return

    # --- steps -----------------------------------------------------------------------------------

    def _step(self, step: Step[CapturedTable]) -> Iterator[SourceBatch]:
        match step:
            case RowsStep():
                if step.kind.value not in self._skipped:
                    yield from self._rows(step)
            case QueryStep():
                yield from self._query(step)
            case CommitStep():
                self._seen(step.transaction.committed or step.seconds * 1_000_000)
            case HeartbeatStep():
                self.lag_ms = 0.0

    def _seen(self, made: int) -> None:
        """``made`` is when an event was made, in microseconds."""
        self.lag_ms = max(0.0, time.time() * 1000 - made / 1000)

    def _rows(self, step: RowsStep[CapturedTable]) -> Iterator[SourceBatch]:
        table = step.table
        if step.partial:
            raise SourceError(
                f"The rows of {table.id} at {step.transaction.file}:{step.start} lack columns: a "
                "session changed binlog_row_image.",
                cure="Set binlog_row_image=FULL there, and begin with a new snapshot.",
            )
        transaction = step.transaction
        micros = _when(transaction.gtid, transaction.committed, step.seconds)
        self._seen(micros)
        origin = Origin(
            micros,
            transaction.file,
            step.start,
            step.server_id,
            transaction.gtid,
            transaction.thread,
            step.query if self._config.include_query else None,
        )
        head, tail = self._capture.source.around_row(origin, table.id.database, table.id.table)
        first = step.first_row
        count = len(step.before or step.after)
        sources = [(*head, row, *tail) for row in range(first, first + count)]
        self._last_row = first + count - 1
        self._event = step
        self._ts_sec = micros // 1_000_000
        self._server_id = step.server_id
        match step.kind:
            case Kind.INSERT:
                yield self._inserts(table, step.after, sources)
            case Kind.DELETE:
                yield self._deletes(table, step.before, sources, range(count), range(1, count + 1))
            case Kind.UPDATE:
                yield from self._updates(table, step.before, step.after, sources)

    def _inserts(
        self, table: CapturedTable, rows: Sequence[tuple[Value, ...]], sources: Sequence[Value]
    ) -> SourceBatch:
        now = clock()
        values = [
            (None, row, source, None, "c", *now) for row, source in zip(rows, sources, strict=True)
        ]
        return self._batch(table, rows, values, range(1, len(rows) + 1))

    def _updates(
        self,
        table: CapturedTable,
        before: Sequence[tuple[Value, ...]],
        after: Sequence[tuple[Value, ...]],
        sources: Sequence[Value],
    ) -> Iterator[SourceBatch]:
        key_of = table.shape.key_of
        moved: list[int] = []
        if key_of is not None:
            moved = [
                row
                for row, pair in enumerate(zip(before, after, strict=True))
                if key_of(pair[0]) != key_of(pair[1])
            ]
        start = 0
        now = clock()
        for stop in (*moved, len(after)):
            if stop > start:
                rows = zip(before[start:stop], after[start:stop], sources[start:stop], strict=True)
                values = [(old, new, source, None, "u", *now) for old, new, source in rows]
                yield self._batch(table, after[start:stop], values, range(start + 1, stop + 1))
            if stop < len(after):
                yield from self._rekeyed(table, before[stop], after[stop], sources[stop], stop + 1)
            start = stop + 1

    def _rekeyed(
        self,
        table: CapturedTable,
        before: tuple[Value, ...],
        after: tuple[Value, ...],
        source: Value,
        done: int,
    ) -> Iterator[SourceBatch]:
        """An update that changes the key is a delete of the old and a create of the new one."""
        key_of, key_schema = table.shape.key_of, table.shape.key_schema
        assert key_of is not None
        to_new = (Header(NEW_KEY, key_schema, key_of(after)), *self._headers)
        to_old = (Header(OLD_KEY, key_schema, key_of(before)), *self._headers)
        # Only with its last record is the row done.
        yield self._deletes(table, [before], [source], [done - 1], [done - 1], to_new)
        value = (None, after, source, None, "c", *clock())
        yield self._batch(table, [after], [value], [done], to_old)

    def _deletes(
        self,
        table: CapturedTable,
        rows: Sequence[tuple[Value, ...]],
        sources: Sequence[Value],
        begun: Sequence[int],
        done: Sequence[int],
        headers: tuple[Header, ...] | None = None,
    ) -> SourceBatch:
        """``begun`` and ``done`` count the event's rows before and after each one."""
        now = clock()
        values: list[Value] = [
            (row, None, source, None, "d", *now) for row, source in zip(rows, sources, strict=True)
        ]
        if self._config.tombstones:
            rows = [row for row in rows for _ in range(2)]
            values = [value for event in values for value in (event, None)]
            # A row is done with its tombstone, not with its delete.
            done = [number for pair in zip(begun, done, strict=True) for number in pair]
        return self._batch(table, rows, values, done, headers)

    def _batch(
        self,
        table: CapturedTable,
        rows: Sequence[tuple[Value, ...]],
        values: Sequence[Value],
        done: Sequence[int],
        headers: tuple[Header, ...] | None = None,
    ) -> SourceBatch:
        shape = table.shape
        keys = [None] * len(rows) if shape.key_of is None else list(map(shape.key_of, rows))
        return SourceBatch(
            topic=shape.topic,
            key_schema=shape.key_schema,
            value_schema=shape.value_schema,
            keys=keys,
            values=values,
            headers=self._headers if headers is None else headers,
            source_partition=self._partition,
            offsets=RowOffsets(self._event, self._ts_sec, done),
        )

    # --- statements ------------------------------------------------------------------------------

    def _query(self, step: QueryStep) -> Iterator[SourceBatch]:
        self._seen(step.committed or step.seconds * 1_000_000)
        changes = self._read(step)
        if not changes:
            return
        # Until the statement is recorded, the place to restart from is before it: for one within
        # a transaction, as CREATE TABLE … SELECT is, by the count of events before it.
        place = self._stream.position
        within = place.event > 0
        if within:
            place = replace(place, event=place.event - 1)
        else:
            gtids = place.gtids
            if gtids is not None and step.gtid is not None:
                gtids = str(GtidSet.parse(gtids) - GtidSet.parse(step.gtid))
            place = replace(place, file=step.file, pos=step.end, gtids=gtids)
        micros = _when(step.gtid, step.committed, step.seconds)
        # Debezium cuts the time of DDL to milliseconds, and knows the thread of transactions only.
        origin = Origin(
            micros // 1000 * 1000,
            step.file,
            step.start,
            step.server_id,
            step.gtid,
            step.thread if within else None,
        )
        offset = Offset(place, micros // 1_000_000, step.server_id)
        statement = Statement(offset, origin, self._last_row)
        yield from self._changes.record(changes, statement)
        if "t" not in self._skipped:
            for change in changes:
                if change.kind is ChangeKind.TRUNCATE:
                    yield from self._truncated(change, statement)
        self._ts_sec, self._server_id = statement.offset.ts_sec, statement.offset.server_id
        self._offset = replace(statement.offset, place=self._stream.position)
        yield self._progress()

    def _read(self, step: QueryStep) -> list[Change]:
        """Apply a statement to the schemas; empty if it is none of ours."""
        if step.error:
            return []
        if changes_rows(step.sql):
            self._refuse_text(step)
            return []
        truncates = step.sql.lstrip()[:8].upper() == "TRUNCATE"
        if filtered_out(step.sql) and not truncates:
            return []
        mode = None if step.sql_mode is None else SqlMode.of_bits(step.sql_mode)
        try:
            return self._capture.schemas.apply(step.sql, step.database, sql_mode=mode)
        except DdlError as error:
            if self._config.history_skip_unparseable:
                _logger.warning(
                    "A statement at %s:%d cannot be read and is passed by, as configured; tables "
                    "may be out of date from here: %s", step.file, step.start, error,
                )  # fmt: skip
                return []
            raise SourceError(
                f"The statement at {step.file}:{step.start} cannot be read: {error.message} "
                f"Statement: {step.sql[:500]}",
                cure="If it changes no captured table, set "
                "schema.history.internal.skip.unparseable.ddl=true; else take a newer version.",
            ) from error

    def _refuse_text(self, step: QueryStep) -> None:
        """Stop at a statement that changed rows of ours without logging them."""
        named = target(step.sql, step.database)
        filters = self._capture.filters
        if filtered_out(step.sql) or not filters.database(named[0] if named else step.database):
            return
        if named is not None and not filters.table(TableId(*named)):
            return
        raise SourceError(
            f"The statement at {step.file}:{step.start} changes rows and is logged as text, so the "
            f"rows are not known: its session runs with binlog_format=STATEMENT or MIXED. "
            f"Statement: {step.sql[:500]}",
            cure="Let the session use binlog_format=ROW, and begin with a new snapshot (delete the "
            "connector's offsets).",
        )

    def _truncated(self, change: Change, statement: Statement) -> Iterator[SourceBatch]:
        assert change.table_id is not None
        version = self._capture.by_id(change.table_id)
        if version is None:
            return
        table = version.table.id
        source = self._capture.source.block(
            statement.origin, table.database, table.table, statement.row
        )
        yield SourceBatch(
            topic=version.shape.topic,
            key_schema=None,
            value_schema=version.shape.value_schema,
            keys=[None],
            values=[(None, None, source, None, "t", *clock())],
            headers=self._headers,
            source_partition=self._partition,
            offsets=[statement.offset.members()],
        )

    def _move_on(self) -> None:
        """All steps given so far are done with."""
        self._offset = Offset(self._stream.position, self._ts_sec, self._server_id)

    # --- records without rows --------------------------------------------------------------------

    def _heartbeat_record(self) -> SourceBatch:
        return SourceBatch(
            topic=self._capture.topics.heartbeat,
            partition=0,
            key_schema=HEARTBEAT_KEY,
            value_schema=HEARTBEAT_VALUE,
            keys=[(self._config.topic_prefix,)],
            values=[(time.time_ns() // 1_000_000,)],
            source_partition=self._partition,
            offsets=[self._offset.members()],
        )

    def _progress(self) -> SourceBatch:
        """No record, only the offset: nothing before it is of interest any more."""
        return SourceBatch.progress(self._partition, self._offset.members())


def _when(gtid: str | None, committed: int | None, seconds: int) -> int:
    """Microseconds since the epoch; like Debezium, from the commit only where there is a GTID."""
    return seconds * 1_000_000 if gtid is None or committed is None else committed


def _reached(position: BinlogPosition, until: BinlogPosition) -> bool:
    """Whether everything before ``until`` was given; both are places between transactions."""
    return not position.event and order(position) >= order(until)
