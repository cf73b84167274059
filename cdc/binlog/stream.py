"""The binlog as a sequence of steps: opens the connection, and opens it anew when it is lost.

A connection that breaks in mid-transaction is opened again at its BEGIN, and what was given already
is not given again.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from pymysql.constants import ER

from cdc.binlog import events
from cdc.binlog.decoder_cy import EventDecoder
from cdc.binlog.packets import LostError, PacketReader
from cdc.binlog.protocol import ReplicaSettings, sock_of, start_dump
from cdc.binlog.rows_cy import RowPlan
from cdc.binlog.steps import BinlogPosition, Step
from cdc.binlog.table_map import TableMap
from cdc.connection import Connection, Flavour, Server
from connect.errors import ConfigError, RetriableError, SourceError
from connect.mysql_errors import DENIED, LOST

_logger = logging.getLogger(__name__)


class Planned(Protocol):
    """What ``interested`` must answer: anything that knows how the table's rows are read."""

    @property
    def plan(self) -> RowPlan: ...


T = TypeVar("T", bound=Planned)

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
        self._start = start
        self._interested = interested
        self._by_gtid = by_gtid
        self._decoder: EventDecoder | None = None
        self.lost_since: float | None = None
        """When the connection broke that is not open again yet, in seconds since the epoch."""
        self._connection: Connection | None = None
        self._closed = threading.Event()

    @property
    def position(self) -> BinlogPosition:
        """Where to read on when all steps given so far are done with."""
        return self._start if self._decoder is None else self._decoder.position()

    def close(self) -> None:
        """End the iteration; what waits for the server ends at once."""
        self._closed.set()
        connection = self._connection
        if connection is not None:
            # The socket is only shut down, past TLS. Closing it here would free its number for
            # another connection while the iterating thread still reads from it.
            with suppress(OSError):
                socket.socket.shutdown(sock_of(connection), socket.SHUT_RDWR)

    def __iter__(self) -> Iterator[Step[T]]:
        wait = _FIRST_WAIT
        while not self._closed.is_set():
            try:
                decoder, reader = self._open()
                decode = decoder.decode
                self.lost_since = None
                while not self._closed.is_set():
                    for packet in reader.read():
                        if packet[0] != 0:
                            self._refused(packet)
                        wait = _FIRST_WAIT
                        step = decode(packet)
                        if step is None:
                            continue
                        if isinstance(step, events.Payload):
                            for event in events.unpacked(step):
                                inner = decoder.decode_inner(event, step)
                                if inner is not None:
                                    yield inner
                            decoder.handled(step.end)
                        else:
                            yield step
            except (LostError, RetriableError, OSError) as error:
                if self._closed.is_set():
                    return
                self.lost_since = self.lost_since or time.time()
                if self._decoder is not None:
                    self._decoder.rewind()
                _logger.warning(
                    "The connection for the binlog is lost: %s. Reading on at %s in %.1f s.",
                    error,
                    self._place(),
                    wait,
                )
                self._closed.wait(wait)
                wait = min(wait * 2, _LONGEST_WAIT)
            finally:
                if self._connection is not None:
                    self._connection._force_close()  # type: ignore[attr-defined]
                    self._connection = None

    def _open(self) -> tuple[EventDecoder, PacketReader]:
        connection = self._connect()
        self._connection = connection
        server = Server.ask(connection)
        decoder = self._decoder
        if decoder is None:
            mariadb = server.flavour is Flavour.MARIADB
            decoder = EventDecoder(self._interested, self._start, mariadb=mariadb)
            self._decoder = decoder
        decoder.opened(checksum=server.variables.get("binlog_checksum", "NONE") != "NONE")
        position = decoder.position()
        reader = start_dump(
            connection,
            server,
            self._settings,
            file=position.file,
            position=position.pos,
            gtids=decoder.executed() if self._by_gtid else None,
        )
        return decoder, reader

    def _place(self) -> str:
        position = self.position
        return f"{position.file}:{position.pos}"

    def _refused(self, packet: bytes) -> None:
        if packet[0] == 0xFE:
            raise LostError("the server ended the stream")
        code = int.from_bytes(packet[1:3], "little")
        text = packet[3:].decode("utf-8", "replace")
        if text.startswith("#"):
            text = text[6:]
        if code in LOST:
            raise LostError(f"{text} ({code})")
        where = f"at {self._place()}"
        if self._by_gtid:
            where += f" after GTIDs {self.position.gtids!r}"
        if code == ER.MASTER_FATAL_ERROR_READING_BINLOG and "same server" in text.lower():
            raise ConfigError(
                "database.server.id",
                f"Another replica has taken our server id {self._settings.server_id}: {text}",
                cure="Give each connector a database.server.id of its own.",
            )
        cure = ""
        if code == ER.MASTER_FATAL_ERROR_READING_BINLOG:
            cure = (
                "If the binlog was purged, begin with a new snapshot (delete the connector's "
                "offsets) and let the server keep binlogs for longer (binlog_expire_logs_seconds)."
            )
        elif code in DENIED:
            cure = "GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO the connector's user."
        raise SourceError(
            f"The server does not send its binlog {where}: {text} ({code}).", cure=cure
        )
