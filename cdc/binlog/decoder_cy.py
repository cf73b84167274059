# cython: wraparound=False
"""The event loop of the binlog: one event after the other becomes a step, or nothing.

Holds what the meaning of an event depends on: the transaction in progress, the tables of the
statement, the position. No I/O; ``cdc.binlog.stream`` feeds it.

The position is Debezium's (``BinlogOffsetContext``): outside of a transaction the end of the last
event, inside it the start of its BEGIN and the number of events since.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import cython

from cdc.binlog import events
from cdc.binlog.events import Event
from cdc.binlog.gtid import ExecutedGtids, GtidSet, MariadbGtids, uuid_text
from cdc.binlog.rows_cy import decode_rows
from cdc.binlog.steps import (
    BinlogPosition,
    CommitStep,
    HeartbeatStep,
    Kind,
    QueryStep,
    RotateStep,
    RowsStep,
    Step,
    Transaction,
)
from cdc.binlog.table_map import TableMap, length, parse_table_map
from connect.errors import DataError, SourceError

ARTIFICIAL = cython.declare(cython.int, events.ARTIFICIAL)
IGNORABLE = cython.declare(cython.int, events.IGNORABLE)
TABLE_MAP = cython.declare(cython.int, Event.TABLE_MAP)
WRITE_ROWS_V1 = cython.declare(cython.int, Event.WRITE_ROWS_V1)
DELETE_ROWS_V1 = cython.declare(cython.int, Event.DELETE_ROWS_V1)
WRITE_ROWS = cython.declare(cython.int, Event.WRITE_ROWS)
UPDATE_ROWS = cython.declare(cython.int, Event.UPDATE_ROWS)
DELETE_ROWS = cython.declare(cython.int, Event.DELETE_ROWS)
XID = cython.declare(cython.int, Event.XID)
GTID = cython.declare(cython.int, Event.GTID)
ANONYMOUS_GTID = cython.declare(cython.int, Event.ANONYMOUS_GTID)
QUERY = cython.declare(cython.int, Event.QUERY)
ROWS_QUERY = cython.declare(cython.int, Event.ROWS_QUERY)
ANNOTATE_ROWS = cython.declare(cython.int, Event.ANNOTATE_ROWS)

_V1_TO_V2 = 7
"""Distance of the type codes of rows events without and with extra data."""
_HEADER = 19
_MADE_UP = frozenset(
    {Event.ROTATE, Event.FORMAT_DESCRIPTION, Event.HEARTBEAT, Event.HEARTBEAT_V2, Event.GTID_LIST}
)
"""Events the server sends without a place in a file."""
_COMPRESSED_ROWS = {
    Event.WRITE_ROWS_COMPRESSED_V1: Event.WRITE_ROWS_V1,
    Event.UPDATE_ROWS_COMPRESSED_V1: Event.UPDATE_ROWS_V1,
    Event.DELETE_ROWS_COMPRESSED_V1: Event.DELETE_ROWS_V1,
    Event.WRITE_ROWS_COMPRESSED: Event.WRITE_ROWS,
    Event.UPDATE_ROWS_COMPRESSED: Event.UPDATE_ROWS,
    Event.DELETE_ROWS_COMPRESSED: Event.DELETE_ROWS,
}
_END_OF_STATEMENT = b"\xff\xff\xff\0\0\0"
"""Table id of a last rows event that has no rows."""
_BEGIN = b"\0BEGIN"
_INSERT, _UPDATE, _DELETE = Kind.INSERT, Kind.UPDATE, Kind.DELETE
_uuids: dict[bytes, str] = {}
"""Texts of server UUIDs."""


@cython.cclass
class EventDecoder:
    """See ``cdc.binlog.stream.BinlogStream`` for what ``interested`` is asked."""

    _interested: Any
    _mariadb: cython.bint
    _checksum: cython.bint
    _file: str
    _pos: cython.longlong
    _high: cython.longlong
    _end: cython.longlong
    _event: cython.longlong
    _done_events: cython.longlong
    _done_rows: cython.longlong
    _executed: Any
    _transaction: Any
    _gtid: Any
    _source: str
    _number: cython.longlong
    _committed: Any
    _query: Any
    _shapes: dict[bytes, Any]
    _tables: dict[bytes, Any]

    def __init__(
        self, interested: Callable[[TableMap], Any], start: BinlogPosition, *, mariadb: bool
    ) -> None:
        self._interested = interested
        self._mariadb = mariadb
        self._checksum = False
        self._file = start.file
        self._pos = start.pos
        self._high = 0
        self._end = 0
        self._event = 0
        self._done_events = start.event
        self._done_rows = start.row
        self._executed = None
        if start.gtids is not None:
            self._executed = (
                MariadbGtids.parse(start.gtids)
                if mariadb
                else ExecutedGtids(GtidSet.parse(start.gtids))
            )
        self._transaction = None
        self._gtid = None
        self._source = ""
        self._number = 0
        self._committed = None
        self._query = None
        self._shapes = {}
        self._tables = {}

    # --- what the stream needs -------------------------------------------------------------------

    def position(self) -> BinlogPosition:
        """Where to read on when all steps given so far are done with."""
        gtids = None if self._executed is None else str(self._executed)
        transaction = self._transaction
        if transaction is not None:
            return BinlogPosition(transaction.file, transaction.pos, gtids, self._event)
        return BinlogPosition(self._file, self._pos, gtids, self._done_events, self._done_rows)

    def executed(self) -> GtidSet | MariadbGtids | None:
        executed = self._executed
        return executed.value if isinstance(executed, ExecutedGtids) else executed

    def place(self) -> str:
        """For messages: the end of the last event."""
        return f"{self._file}:{self._end}"

    def opened(self, *, checksum: bool) -> None:
        """A new connection: ``checksum`` holds until a FORMAT_DESCRIPTION says what a file has."""
        self._checksum = checksum
        self._tables.clear()

    def rewind(self) -> None:
        """Prepare to get the transaction in progress once more, less what was given of it."""
        transaction = self._transaction
        if transaction is not None:
            self._file, self._pos = transaction.file, transaction.pos
            self._done_events = self._event
            self._done_rows = 0
            self._transaction = None
        self._event = 0
        self._gtid = None
        self._committed = None
        self._query = None

    # --- events ----------------------------------------------------------------------------------

    def decode(self, packet: bytes) -> Step[Any] | events.Payload | None:
        """The step of the event after the packet's status byte, if it gives one.

        A Payload has to be taken apart by the caller, who gives its events to ``decode_inner`` and
        then calls ``handled``.
        """
        p: cython.p_const_uchar = packet
        size: cython.longlong = len(packet) - 1
        stop: cython.Py_ssize_t = len(packet)
        if size < _HEADER or _uint32(p, 10) != size:
            raise DataError(f"An event after {self.place()} is cut off.")
        kind: cython.int = p[5]
        log_pos: cython.longlong = _uint32(p, 14)
        flags: cython.int = p[18] | p[19] << 8
        start: cython.longlong
        end: cython.longlong
        if self._checksum:
            stop -= 4
            if zlib.crc32(packet[1:stop]) != _uint32(p, stop):
                raise DataError(
                    f"The checksum of the event before {self._file}:{log_pos} is wrong.",
                    cure="Check the server's binlog with mysqlbinlog --verify-binlog-checksum.",
                )
        if flags & ARTIFICIAL or (log_pos == 0 and kind in _MADE_UP):
            start = end = self._end
        elif log_pos == 0:
            # MariaDB from 11.4 on leaves the place open inside of a transaction.
            start = self._end
            end = self._end = start + size
        else:
            end = log_pos + self._high
            if end + 0x80000000 < self._end:
                # Positions have 32 bits; only a transaction in progress goes beyond.
                self._high += 0x100000000
                end += 0x100000000
            self._end = end
            start = end - size
        return self._one(packet, 20, stop, kind, flags, log_pos, start, end)

    def decode_inner(self, event: bytes, payload: events.Payload) -> Step[Any] | None:
        """The step of an event that was in a payload; its place is the payload's."""
        p: cython.p_const_uchar = event
        if len(event) < _HEADER:
            raise DataError(f"An event after {self.place()} is cut off.")
        flags: cython.int = p[17] | p[18] << 8
        return self._one(event, 19, len(event), p[4], flags, 1, payload.start, payload.end)

    def handled(self, end: int) -> None:
        """An event is done with that neither began nor ended a transaction."""
        if self._transaction is not None:
            self._event += 1
        elif end:
            self._pos = end

    @cython.cfunc
    def _one(
        self,
        packet: bytes,
        body: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        kind: cython.int,
        flags: cython.int,
        log_pos: cython.longlong,
        start: cython.longlong,
        end: cython.longlong,
    ) -> Any:
        """``body`` is where the event's own bytes begin, after its header."""
        p: cython.p_const_uchar = packet
        seconds: cython.longlong = _uint32(p, body - 19)
        server_id: cython.longlong = _uint32(p, body - 14)
        step: Any = None
        if kind == TABLE_MAP:
            self._table_map(packet, body, stop)
        elif (WRITE_ROWS <= kind <= DELETE_ROWS) or (WRITE_ROWS_V1 <= kind <= DELETE_ROWS_V1):
            if self._transaction is None:
                self._begin(start, None, seconds)
            step = self._rows(packet, body, stop, kind, start, end, seconds, server_id, False)
        elif kind == XID:
            return self._commit(start, end, seconds, server_id)
        elif kind in (GTID, ANONYMOUS_GTID):
            self._head(packet, body, stop, kind == ANONYMOUS_GTID)
        elif kind == QUERY:
            if packet[stop - 6 : stop] == _BEGIN and stop - body >= 13:
                self._begin(start, _uint32(p, body), seconds)
            else:
                return self._statement(packet[body:stop], start, end, seconds, server_id)
        elif kind == ROWS_QUERY:
            self._query = packet[body + 1 : stop].decode("utf-8", "replace")
        elif kind == ANNOTATE_ROWS:
            self._query = packet[body:stop].decode("utf-8", "replace")
        else:
            return self._rare(
                packet[body:stop],
                packet,
                body,
                stop,
                kind,
                flags,
                log_pos,
                start,
                end,
                seconds,
                server_id,
            )
        self.handled(end)
        return step

    def _rare(
        self,
        data: bytes,
        packet: bytes,
        body: int,
        stop: int,
        kind: int,
        flags: int,
        log_pos: int,
        start: int,
        end: int,
        seconds: int,
        server_id: int,
    ) -> Step[Any] | events.Payload | None:
        if kind == Event.TRANSACTION_PAYLOAD:
            return events.Payload(data, start, end)
        if kind == Event.HEARTBEAT:
            return HeartbeatStep(data.decode(), log_pos)
        if kind == Event.HEARTBEAT_V2:
            return HeartbeatStep(*events.heartbeat_v2(data))
        if kind == Event.ROTATE:
            file, pos = events.rotate(data)
            changed = file != self._file or pos != self._end
            self._file, self._end, self._high = file, pos, 0
            self._tables.clear()
            if not changed:
                return None
            self._pos = pos
            return RotateStep(file, pos)
        if kind == Event.XA_PREPARE:
            transaction = self._transaction
            if not data[0] and transaction is not None and transaction.given:
                raise SourceError(
                    f"The XA transaction prepared at {self._file}:{start} changed captured tables "
                    "and cannot be followed: whether it commits is decided later.",
                    cure="Use one-phase XA commits or ordinary transactions on captured tables.",
                )
            return self._commit(start, end, seconds, server_id)
        if kind == Event.QUERY_COMPRESSED:
            return self._statement(data, start, end, seconds, server_id, compressed=True)
        if kind in _COMPRESSED_ROWS:
            plain = _COMPRESSED_ROWS[kind]
            step = self._rows(packet, body, stop, plain, start, end, seconds, server_id, True)
            self.handled(end)
            return step  # type: ignore[no-any-return]
        if kind == Event.FORMAT_DESCRIPTION:
            self._checksum = events.has_checksum(packet[body:])
            if log_pos == 0 or flags & ARTIFICIAL:
                return None
        elif kind == Event.GTID_TAGGED:
            self._source, self._number, self._committed = events.gtid_tagged(data)
            self._gtid = f"{self._source}:{self._number}"
        elif kind == Event.MARIADB_GTID:
            self._gtid, standalone = events.mariadb_gtid(data, server_id)
            if not standalone:
                self._begin(start, None, seconds)
        else:
            events.refuse(kind, data, f"{self._file}:{start}", ignorable=bool(flags & IGNORABLE))
        self.handled(end)
        return None

    # --- transactions ----------------------------------------------------------------------------

    @cython.cfunc
    def _head(
        self,
        packet: bytes,
        body: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        anonymous: cython.bint,
    ) -> Any:
        """GTID and ANONYMOUS_GTID: flags, UUID, number, a type byte, two clock numbers, times."""
        p: cython.p_const_uchar = packet
        if stop - body < 25:
            raise DataError(f"The GTID event after {self.place()} is cut off.")
        if anonymous:
            self._gtid = None
        else:
            uuid = packet[body + 1 : body + 17]
            source = _uuids.get(uuid)
            if source is None:
                if len(_uuids) > 1000:
                    _uuids.clear()
                source = _uuids[uuid] = uuid_text(uuid)
            self._source = source
            self._number = _uint32(p, body + 17) | _uint32(p, body + 21) << 32
            self._gtid = f"{self._source}:{self._number}"
        self._committed = None
        if stop - body >= 49:
            # 7 bytes of immediate commit time. The top bit says that the original one, of the
            # server where the transaction began, is another and follows.
            committed: cython.longlong = _uint32(p, body + 42) | (_uint32(p, body + 45) >> 8) << 32
            if committed >> 55 and stop - body >= 56:
                committed = _uint32(p, body + 49) | (_uint32(p, body + 52) >> 8) << 32
            self._committed = committed
        return None

    @cython.cfunc
    def _begin(self, pos: cython.longlong, thread: Any, seconds: cython.longlong) -> Any:
        executed = self._executed
        before = executed.run if isinstance(executed, ExecutedGtids) else executed
        self._transaction = Transaction(
            self._file,
            pos,
            before,
            self._gtid,
            self._committed,
            thread,
            seconds,
        )
        self._event = 0
        return self._transaction

    @cython.cfunc
    def _commit(
        self,
        start: cython.longlong,
        end: cython.longlong,
        seconds: cython.longlong,
        server_id: cython.longlong,
    ) -> Any:
        transaction = self._transaction
        if transaction is None:
            transaction = self._begin(start, None, seconds)
        self._rest(end)
        return CommitStep(transaction, start, end, seconds, server_id)

    @cython.cfunc
    def _rest(self, end: cython.longlong) -> cython.int:
        """Nothing is in progress after ``end``, and the last GTID is executed."""
        if self._gtid is not None:
            executed: Any = self._executed
            if self._mariadb:
                self._executed = (executed or MariadbGtids({})).add(self._gtid)
            else:
                if executed is None:
                    executed = self._executed = ExecutedGtids(GtidSet({}))
                executed.add(self._source, self._number)
        self._transaction = None
        self._gtid = None
        self._committed = None
        self._query = None
        self._event = self._done_events = self._done_rows = 0
        self._pos = end
        return 0

    def _statement(
        self,
        body: bytes,
        start: int,
        end: int,
        seconds: int,
        server_id: int,
        *,
        compressed: bool = False,
    ) -> Step[Any] | None:
        query = events.query(body)
        if compressed:
            query = query._replace(sql=events.inflated(query.sql))
        head = query.sql[:24].upper()
        if head in (b"COMMIT", b"ROLLBACK"):
            return self._commit(start, end, seconds, server_id)
        if head.startswith((b"XA START", b"XA BEGIN")):
            self._begin(start, query.thread, seconds)
        elif not head.startswith((b"SAVEPOINT", b"ROLLBACK TO", b"XA END", b"RELEASE SAVEPOINT")):
            # It may change what a table's rows mean while their stored form stays the same.
            self._shapes.clear()
            self._tables.clear()
            step = QueryStep(
                query.text(),
                query.database,
                query.thread,
                query.sql_mode,
                query.error,
                self._file,
                start,
                end,
                seconds,
                server_id,
                self._gtid,
                self._committed,
            )
            if self._transaction is None:
                self._rest(end)
            else:
                self.handled(end)
            return step
        self.handled(end)
        return None

    # --- rows ------------------------------------------------------------------------------------

    @cython.cfunc
    def _table_map(self, packet: bytes, body: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> Any:
        shape = packet[body + 6 : stop]
        entry = self._shapes.get(shape)
        if entry is None:
            table_map = parse_table_map(shape[2:])
            entry = (table_map, self._interested(table_map))
            self._shapes[shape] = entry
        self._tables[packet[body : body + 6]] = entry
        return None

    @cython.cfunc
    def _rows(
        self,
        packet: bytes,
        body: cython.Py_ssize_t,
        stop: cython.Py_ssize_t,
        kind: cython.int,
        start: cython.longlong,
        end: cython.longlong,
        seconds: cython.longlong,
        server_id: cython.longlong,
        compressed: cython.bint,
    ) -> Any:
        entry = self._tables.get(packet[body : body + 6])
        if entry is None:
            if packet[body : body + 6] == _END_OF_STATEMENT:
                return None
            raise DataError(f"The rows at {self._file}:{start} have no table map before them.")
        table_map, table = entry
        if table is None or self._event < self._done_events:
            return None
        pos: cython.Py_ssize_t = body + 8
        count: cython.Py_ssize_t
        first: Any = None
        second: Any = None
        partial: cython.bint = False
        try:
            if kind >= WRITE_ROWS:
                pos += packet[pos] | packet[pos + 1] << 8
            else:
                kind += _V1_TO_V2
            count = packet[pos]
            pos += 1
            if count > 250:
                count, pos = length(packet, pos - 1)
            if count != len(table_map.columns):
                raise DataError(f"{count} columns, where its map has {len(table_map.columns)}.")
            size: cython.Py_ssize_t = (count + 7) >> 3
            held = packet[pos : pos + size]
            pos += size
            if not _all_present(held, count):
                first, partial = held, True
            if kind == UPDATE_ROWS:
                held = packet[pos : pos + size]
                pos += size
                if _all_present(held, count):
                    second = b""
                else:
                    second, partial = held, True
            if compressed:
                packet = events.inflated(packet[pos:stop])
                pos, stop = 0, len(packet)
            ones, twos = decode_rows(packet, pos, stop, table.plan, first, second)
        except (DataError, IndexError, ValueError) as error:
            raise DataError(
                f"The rows of {table_map.database}.{table_map.table} at {self._file}:{start} "
                f"cannot be read: {error}"
            ) from error
        skip: cython.longlong = self._done_rows if self._event == self._done_events else 0
        if skip:
            ones, twos = ones[skip:], twos[skip:]
            if not ones:
                return None
        change = _UPDATE
        if kind == WRITE_ROWS:
            change = _INSERT
            ones, twos = twos, ones
        elif kind == DELETE_ROWS:
            change = _DELETE
        self._transaction.given = True
        return RowsStep(
            table,
            change,
            ones,
            twos,
            self._transaction,
            start,
            end,
            seconds,
            server_id,
            self._event,
            skip,
            partial,
            self._query,
        )


@cython.cfunc
@cython.inline
def _uint32(p: cython.p_const_uchar, pos: cython.Py_ssize_t) -> cython.longlong:
    number: cython.longlong = p[pos + 3]
    return p[pos] | p[pos + 1] << 8 | p[pos + 2] << 16 | number << 24


@cython.cfunc
def _all_present(bitmap: bytes, count: cython.Py_ssize_t) -> cython.bint:
    """Whether all of ``count`` columns are there; the bits after the last one mean nothing."""
    p: cython.p_const_uchar = bitmap
    place: cython.Py_ssize_t
    whole: cython.Py_ssize_t = count >> 3
    if len(bitmap) * 8 < count:
        raise DataError("its bitmap is cut off")
    for place in range(whole):
        if p[place] != 0xFF:
            return False
    mask: cython.int = (1 << (count & 7)) - 1
    return mask == 0 or (p[whole] & mask) == mask
