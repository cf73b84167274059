"""The binlog as a sequence of steps: follows transactions, skips what nobody wants, reconnects.

The position kept here is Debezium's (``BinlogOffsetContext``): outside of a transaction the end of
the last event, inside it the start of its BEGIN and the number of events since. So a connection
that breaks in mid-transaction is opened anew at its BEGIN, and what was given already is not given
again.
"""

from __future__ import annotations

import logging
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from cdc.binlog import events
from cdc.binlog.events import ARTIFICIAL, HEADER, HEADER_SIZE, IGNORABLE, Event
from cdc.binlog.gtid import GtidSet, MariadbGtids
from cdc.binlog.packets import LostError, PacketReader
from cdc.binlog.protocol import ReplicaSettings, sock_of, start_dump
from cdc.binlog.rows_cy import RowPlan, decode_rows
from cdc.binlog.steps import (
    BeginStep,
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
from cdc.connection import Connection, Flavour, Server
from cdc.types.charsets import charset_of, decoder
from connect.errors import ConfigError, DataError, RetriableError, SourceError

log = logging.getLogger(__name__)


class Planned(Protocol):
    """What ``interested`` must answer: anything that knows how the table's rows are read."""

    @property
    def plan(self) -> RowPlan: ...


T = TypeVar("T", bound=Planned)

_KINDS = {
    Event.WRITE_ROWS: Kind.INSERT,
    Event.UPDATE_ROWS: Kind.UPDATE,
    Event.DELETE_ROWS: Kind.DELETE,
    Event.WRITE_ROWS_V1: Kind.INSERT,
    Event.UPDATE_ROWS_V1: Kind.UPDATE,
    Event.DELETE_ROWS_V1: Kind.DELETE,
}
_V1 = (Event.WRITE_ROWS_V1, Event.UPDATE_ROWS_V1, Event.DELETE_ROWS_V1)
_REFUSED = {
    Event.PARTIAL_UPDATE_ROWS: (
        "an update of parts of a JSON value (binlog_row_value_options=PARTIAL_JSON)",
        "SET GLOBAL binlog_row_value_options = '' on the server, reconnect the writers, and begin "
        "with a new snapshot.",
    ),
    Event.START_ENCRYPTION: (
        "the start of an encrypted binlog that the server did not decrypt",
        "Check the server's encryption of binlogs.",
    ),
    Event.EXECUTE_LOAD_QUERY: (
        "LOAD DATA logged as a statement",
        "SET GLOBAL binlog_format = 'ROW' on the server, and begin with a new snapshot.",
    ),
    Event.QUERY_COMPRESSED: ("a compressed statement", "SET GLOBAL log_bin_compress = OFF."),
}
_REFUSED |= dict.fromkeys(
    range(Event.WRITE_ROWS_COMPRESSED_V1, Event.DELETE_ROWS_COMPRESSED + 1),
    ("compressed rows", "SET GLOBAL log_bin_compress = OFF on the server."),
)
_PASSED = frozenset(
    {
        Event.STOP,
        Event.INTVAR,
        Event.RAND,
        Event.USER_VAR,
        Event.IGNORABLE,
        Event.PREVIOUS_GTIDS,
        Event.TRANSACTION_CONTEXT,
        Event.VIEW_CHANGE,
        Event.BINLOG_CHECKPOINT,
        Event.GTID_LIST,
    }
)
_MADE_UP = frozenset(
    {Event.ROTATE, Event.FORMAT_DESCRIPTION, Event.HEARTBEAT, Event.HEARTBEAT_V2, Event.GTID_LIST}
)
"""Events the server sends without a place in a file."""
_SHUTDOWN = frozenset({1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 3169})
"""Server errors that mean: the connection ends, try again."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 30.0


class BinlogStream(Generic[T]):
    """Iterate over it to get steps; ``close`` ends it, also from another thread.

    ``interested`` is asked once for each shape of a table (and again after any statement that may
    have changed it): None skips the table's rows unread. It is called from the iterating thread,
    between the steps before and after it. ``connect`` opens a connection of its own for the dump.
    ``by_gtid`` starts by the position's GTIDs, else by file and position.

    Iteration raises SourceError for what the server no longer has or refuses, DataError for bytes
    that cannot be read, always with the position. A lost connection is opened again for ever, with
    growing pauses; ``connect``'s own errors other than RetriableError end it.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        settings: ReplicaSettings,
        start: BinlogPosition,
        interested: Callable[[TableMap], T | None],
        *,
        by_gtid: bool,
    ) -> None:
        self._connect = connect
        self._settings = settings
        self._interested = interested
        self._by_gtid = by_gtid
        self._connection: Connection | None = None
        self._closed = False
        self._mariadb = False
        self._checksum = False
        self._file = start.file
        self._pos = start.pos
        self._gtid_text = start.gtids
        self._executed: GtidSet | MariadbGtids | None = None
        self._event = 0
        self._done_events = start.event
        self._done_rows = start.row
        self._transaction: Transaction | None = None
        self._gtid: str | None = None
        self._committed: int | None = None
        self._query: str | None = None
        self._high = 0
        self._end = 0
        self._shapes: dict[bytes, tuple[TableMap, T | None]] = {}
        self._tables: dict[bytes, tuple[TableMap, T | None]] = {}
        self.received = 0
        """Bytes of events so far."""
        self.reconnects = 0

    @property
    def position(self) -> BinlogPosition:
        """Where to read on when all steps given so far are done with."""
        transaction = self._transaction
        gtids = self._executed_text()
        if transaction is not None:
            return BinlogPosition(transaction.file, transaction.pos, gtids, self._event)
        return BinlogPosition(self._file, self._pos, gtids, self._done_events, self._done_rows)

    def close(self) -> None:
        """End the iteration; what waits for the server ends at once."""
        self._closed = True
        connection = self._connection
        if connection is not None:
            # The socket is only shut down, past TLS. Closing it here would free its number for
            # another connection while the iterating thread still reads from it.
            with suppress(OSError):
                socket.socket.shutdown(sock_of(connection), socket.SHUT_RDWR)

    def __iter__(self) -> Iterator[Step[T]]:
        wait = _FIRST_WAIT
        while not self._closed:
            try:
                reader = self._open()
                while not self._closed:
                    for packet in reader.read():
                        wait = _FIRST_WAIT
                        yield from self._packet(packet)
            except (LostError, RetriableError, OSError) as error:
                if self._closed:
                    return
                self._rewind()
                self.reconnects += 1
                log.warning(
                    "The connection for the binlog is lost: %s. Reading on at %s in %.1f s.",
                    error,
                    self._place(),
                    wait,
                )
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            finally:
                if self._connection is not None:
                    self._connection._force_close()  # type: ignore[attr-defined]
                    self._connection = None

    # --- connecting ------------------------------------------------------------------------------

    def _open(self) -> PacketReader:
        connection = self._connect()
        self._connection = connection
        server = Server.ask(connection)
        self._mariadb = server.flavour is Flavour.MARIADB
        if self._executed is None and self._gtid_text is not None:
            parse = MariadbGtids.parse if self._mariadb else GtidSet.parse
            self._executed = parse(self._gtid_text)
        # Announced by the session settings: the first event, before any description, has it too.
        self._checksum = server.variables.get("binlog_checksum", "NONE") != "NONE"
        self._tables.clear()
        return start_dump(
            connection,
            server,
            self._settings,
            file=self._file,
            position=self._pos,
            gtids=self._executed if self._by_gtid else None,
        )

    def _rewind(self) -> None:
        """Prepare to get the transaction in progress once more, less what was given of it."""
        if self._transaction is not None:
            self._file, self._pos = self._transaction.file, self._transaction.pos
            self._done_events = self._event
            self._done_rows = 0
            self._transaction = None
        self._event = 0
        self._gtid = self._committed = self._query = None

    def _executed_text(self) -> str | None:
        return self._gtid_text if self._executed is None else str(self._executed)

    def _place(self) -> str:
        return f"{self._file}:{self._end}"

    # --- events ----------------------------------------------------------------------------------

    def _packet(self, packet: bytes) -> Iterator[Step[T]]:
        if packet[0] != 0:
            self._refused(packet)
        self.received += len(packet)
        return self._one(packet, 1, None)

    def _refused(self, packet: bytes) -> None:
        if packet[0] == 0xFE:
            raise LostError("the server ended the stream")
        code = int.from_bytes(packet[1:3], "little")
        text = packet[3:].decode("utf-8", "replace")
        if text.startswith("#"):
            text = text[6:]
        if code in _SHUTDOWN:
            raise LostError(f"{text} ({code})")
        where = f"at {self._place()}"
        if self._by_gtid:
            where += f" after GTIDs {self._executed_text()!r}"
        if code == 1236 and "same server" in text.lower():
            raise ConfigError(
                "database.server.id",
                f"Another replica has taken our server id {self._settings.server_id}: {text}",
                cure="Give each connector a database.server.id of its own.",
            )
        cure = ""
        if code == 1236:
            cure = (
                "If the binlog was purged, begin with a new snapshot (snapshot.mode=when_needed) "
                "and let the server keep binlogs for longer (binlog_expire_logs_seconds)."
            )
        elif code in (1045, 1227):
            cure = "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the connector's user."
        raise SourceError(
            f"The server does not send its binlog {where}: {text} ({code}).", cure=cure
        )

    def _one(self, packet: bytes, at: int, outer: tuple[int, int] | None) -> Iterator[Step[T]]:
        """The steps of the event that begins at ``at``; ``outer`` is the place of its payload."""
        if len(packet) < at + HEADER_SIZE:
            raise DataError(f"An event after {self._place()} is cut off.")
        seconds, kind, server_id, size, log_pos, flags = HEADER.unpack_from(packet, at)
        stop = len(packet)
        if size != stop - at:
            raise DataError(f"An event after {self._place()} has not the size it says.")
        body = at + HEADER_SIZE
        if outer is not None:
            start, end = outer
        else:
            if self._checksum:
                stop -= 4
                if zlib.crc32(packet[at:stop]) != int.from_bytes(packet[stop:], "little"):
                    raise DataError(
                        f"The checksum of the event before {self._file}:{log_pos} is wrong.",
                        cure="Check the server's binlog with mysqlbinlog --verify-binlog-checksum.",
                    )
            if flags & ARTIFICIAL or (log_pos == 0 and kind in _MADE_UP):
                start = end = self._end
            elif log_pos == 0:
                # MariaDB from 11.4 on leaves the place open inside of a transaction.
                start, end = self._end, self._end + size
                self._end = end
            else:
                end = log_pos + self._high
                if end + (1 << 31) < self._end:
                    # Positions have 32 bits; only a transaction in progress goes beyond.
                    self._high += 1 << 32
                    end += 1 << 32
                self._end = end
                start = end - size

        transaction = self._transaction
        if kind == Event.TABLE_MAP:
            self._table_map(packet, body, stop)
        elif kind in _KINDS:
            if transaction is None:
                transaction = self._begin(start, None, seconds)
                yield BeginStep(transaction)
            step = self._rows(packet, body, stop, kind, transaction, start, end, seconds, server_id)
            if step is not None:
                yield step
        elif kind == Event.XID:
            yield self._commit(start, end, seconds, server_id)
            return
        elif kind == Event.GTID or kind == Event.ANONYMOUS_GTID:
            self._gtid, self._committed = events.gtid(
                packet[body:stop], anonymous=kind == Event.ANONYMOUS_GTID
            )
        elif kind == Event.QUERY:
            yield from self._statement(packet[body:stop], start, end, seconds, server_id)
            return
        elif kind == Event.ROWS_QUERY:
            self._query = packet[body + 1 : stop].decode("utf-8", "replace")
        elif kind == Event.ANNOTATE_ROWS:
            self._query = packet[body:stop].decode("utf-8", "replace")
        elif kind == Event.GTID_TAGGED:
            self._gtid, self._committed = events.gtid_tagged(packet[body:stop])
        elif kind == Event.MARIADB_GTID:
            self._gtid, standalone = events.mariadb_gtid(packet[body:stop], server_id)
            if not standalone:
                yield BeginStep(self._begin(start, None, seconds))
        elif kind == Event.TRANSACTION_PAYLOAD:
            for inner in events.payload(packet[body:stop]):
                yield from self._one(inner, 0, (start, end))
        elif kind == Event.HEARTBEAT:
            yield HeartbeatStep(packet[body:stop].decode(), log_pos)
            return
        elif kind == Event.HEARTBEAT_V2:
            yield HeartbeatStep(*events.heartbeat_v2(packet[body:stop]))
            return
        elif kind == Event.ROTATE:
            file, pos = events.rotate(packet[body:stop])
            changed = (file, pos) != (self._file, self._end)
            self._file, self._end, self._high = file, pos, 0
            self._tables.clear()
            if changed:
                self._pos = pos
                yield RotateStep(file, pos)
            return
        elif kind == Event.FORMAT_DESCRIPTION:
            self._checksum = events.has_checksum(packet[body:])
            if log_pos == 0 or flags & ARTIFICIAL:
                return
        elif kind == Event.XA_PREPARE:
            if not packet[body]:
                raise SourceError(
                    f"The XA transaction prepared at {self._file}:{start} cannot be followed: "
                    "whether it commits is decided later.",
                    cure="Use one-phase XA commits or ordinary transactions on captured tables.",
                )
            yield self._commit(start, end, seconds, server_id)
            return
        elif kind == Event.INCIDENT:
            raise SourceError(
                f"The server reports lost events at {self._file}:{start}: "
                f"{events.incident(packet[body:stop])}.",
                cure="Begin with a new snapshot.",
            )
        elif kind in _REFUSED:
            what, cure = _REFUSED[kind]
            raise SourceError(f"The event at {self._file}:{start} is {what}, not read.", cure=cure)
        elif kind not in _PASSED and not flags & IGNORABLE:
            raise SourceError(
                f"The event at {self._file}:{start} is of type {kind}, which is not known.",
                cure="The server is newer than this program: take a newer version of it.",
            )
        self._handled(end)

    def _handled(self, end: int) -> None:
        if self._transaction is not None:
            self._event += 1
        elif end:
            self._pos = end

    def _begin(self, pos: int, thread: int | None, seconds: int) -> Transaction:
        transaction = Transaction(
            self._file, pos, self._executed, self._gtid, self._committed, thread, seconds
        )
        self._transaction = transaction
        self._event = 0
        return transaction

    def _commit(
        self, start: int, end: int, seconds: int, server_id: int, *, rolled_back: bool = False
    ) -> CommitStep:
        transaction = self._transaction or self._begin(start, None, seconds)
        self._rest(end)
        return CommitStep(transaction, start, end, seconds, server_id, rolled_back)

    def _rest(self, end: int) -> None:
        """Nothing is in progress after ``end``, and the last GTID is executed."""
        if self._gtid is not None:
            if self._executed is None:
                self._executed = MariadbGtids({}) if self._mariadb else GtidSet({})
            self._executed = self._executed.add(self._gtid)
        self._transaction = None
        self._gtid = self._committed = self._query = None
        self._event = self._done_events = self._done_rows = 0
        self._pos = end

    def _statement(
        self, body: bytes, start: int, end: int, seconds: int, server_id: int
    ) -> Iterator[Step[T]]:
        query = events.query(body)
        head = query.sql[:24].upper()
        if head == b"BEGIN" or head.startswith((b"XA START", b"XA BEGIN")):
            yield BeginStep(self._begin(start, query.thread, seconds))
        elif head == b"COMMIT" or head == b"ROLLBACK":
            yield self._commit(start, end, seconds, server_id, rolled_back=head == b"ROLLBACK")
            return
        elif not head.startswith((b"SAVEPOINT", b"ROLLBACK TO", b"XA END", b"RELEASE SAVEPOINT")):
            # It may change what a table's rows mean while their stored form stays the same.
            self._shapes.clear()
            self._tables.clear()
            step = QueryStep(
                self._text(query),
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
                yield step
                return
            yield step
        self._handled(end)

    def _text(self, query: events.Query) -> str:
        charset = charset_of(query.charset[0]) if query.charset else None
        decode = decoder(charset or "utf8mb4")
        try:
            return decode(query.sql)
        except UnicodeDecodeError:
            # Literals of other character sets may stand in a statement; names never do.
            return query.sql.decode("utf-8", "replace")

    # --- rows ------------------------------------------------------------------------------------

    def _table_map(self, packet: bytes, body: int, stop: int) -> None:
        shape = packet[body + 6 : stop]
        entry = self._shapes.get(shape)
        if entry is None:
            table_map = parse_table_map(shape[2:])
            entry = (table_map, self._interested(table_map))
            self._shapes[shape] = entry
        self._tables[packet[body : body + 6]] = entry

    def _rows(
        self,
        packet: bytes,
        body: int,
        stop: int,
        kind: int,
        transaction: Transaction,
        start: int,
        end: int,
        seconds: int,
        server_id: int,
    ) -> RowsStep[T] | None:
        entry = self._tables.get(packet[body : body + 6])
        if entry is None:
            if packet[body : body + 6] == b"\xff\xff\xff\0\0\0":
                return None  # a last event that only says the statement is over
            raise DataError(f"The rows at {self._file}:{start} have no table map before them.")
        table_map, table = entry
        if table is None or self._event < self._done_events:
            return None
        try:
            pos = body + 8
            if kind not in _V1:
                pos += int.from_bytes(packet[pos : pos + 2], "little")
            count, pos = length(packet, pos)
            if count != len(table_map.columns):
                raise DataError(f"{count} columns, where its map has {len(table_map.columns)}.")
            size = (count + 7) // 8
            held = packet[pos : pos + size]
            pos += size
            second: bytes | None = None
            partial = not _all_present(held, count)
            first = held if partial else None
            change = _KINDS[kind]
            if change is Kind.UPDATE:
                second = packet[pos : pos + size]
                pos += size
                if _all_present(second, count):
                    second = b""
                else:
                    partial = True
            ones, twos = decode_rows(packet, pos, stop, table.plan, first, second)
        except (DataError, IndexError, ValueError) as error:
            raise DataError(
                f"The rows of {table_map.database}.{table_map.table} at {self._file}:{start} "
                f"cannot be read: {error}"
            ) from error
        skip = self._done_rows if self._event == self._done_events else 0
        if skip:
            ones, twos = ones[skip:], twos[skip:]
            if not ones:
                return None
        if change is Kind.INSERT:
            ones, twos = twos, ones
        return RowsStep(
            table,
            change,
            ones,
            twos,
            transaction,
            start,
            end,
            seconds,
            server_id,
            self._event,
            skip,
            partial,
            self._query,
        )


def _all_present(bitmap: bytes, count: int) -> bool:
    """Whether all of ``count`` columns are there; the bits after the last one mean nothing."""
    mask = (1 << count) - 1
    return int.from_bytes(bitmap, "little") & mask == mask
