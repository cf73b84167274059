"""What a binlog task does from start to end: find where to begin, snapshot if need be, stream.

Decisions at start follow Debezium's (``BinlogConnectorTask.validateAndLoadSchemaHistory``). One
thing is added: a snapshot that was interrupted, by whatever, leaves records in the topics of rows
that may be gone when the next attempt reads the tables. The place of the earlier attempt is known,
from the offset or else from the history, which is written before any row. So the next attempt first
reads the binlog from there to its own place and sends on what was deleted or got another key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace

import pymysql

from cdc.binlog.gtid import GtidSet
from cdc.binlog.protocol import ReplicaSettings
from cdc.binlog.steps import BinlogPosition
from cdc.binlog.stream import BinlogStream
from cdc.binlog.table_map import TableMap
from cdc.capture import Capture, CapturedTable, empty_schemas
from cdc.checks import require
from cdc.config import MySqlConfig
from cdc.connection import Connection, Endpoint, Flavour, Server, database_fault
from cdc.heartbeat import Heartbeat
from cdc.offset import Offset, recorded_by
from cdc.schema_changes import SchemaChanges
from cdc.snapshot.consistent import query
from cdc.snapshot.snapshot import Snapshot
from cdc.streaming import Streaming
from connect.batch import SourceBatch, SourceOffset
from connect.errors import ConfigError, SourceError
from schema_history import HistoryRecord, Schemas, TableId, recover
from schema_history.storage import HistoryStore

_logger = logging.getLogger(__name__)

CONNECTOR = "mysql"
_HEARTBEAT_SHARE = 0.8
"""The server's sign of life comes at this share of the keep-alive interval."""


class Reader:
    """Reads one server. ``batches`` is the whole program; ``close`` ends it from outside."""

    def __init__(
        self,
        config: MySqlConfig,
        endpoint: Endpoint,
        store: HistoryStore,
        *,
        task: int,
        gauge: Callable[..., None],
        wait: Callable[[float], None],
    ) -> None:
        self._config = config
        self._endpoint = endpoint
        self._store = store
        self._task = task
        self._gauge = gauge
        self._wait = wait
        self._partition = {"server": config.topic_prefix}
        self._stream: BinlogStream[CapturedTable] | None = None
        self._streaming: Streaming | None = None
        self._known: Server | None = None

    def prepare(self) -> None:
        """Connect and check what is needed of the server, so that what is wrong is said now."""
        self._known = self._ask()

    @property
    def _server(self) -> Server:
        if self._known is None:
            self._known = self._ask()
        return self._known

    def batches(self, stored: SourceOffset | None) -> Generator[SourceBatch, None, None]:
        """Everything, from the stored offset on, for ever."""
        try:
            yield from self._program(stored)
        except pymysql.err.MySQLError as error:
            raise database_fault(error) from error

    def _program(self, stored: SourceOffset | None) -> Iterator[SourceBatch]:
        offset = None if stored is None else Offset.read(stored)
        if offset is None or offset.snapshot is not None:
            self._wait(self._config.snapshot_delay / 1000)
            offset, capture = yield from self._snapshot(offset)
            self._wait(self._config.streaming_delay / 1000)
        else:
            capture = self._recover(offset)
            offset = replace(offset, place=self._available(offset.place))
            _logger.info("Streaming from %s.", offset)
        yield from self._follow(offset, capture)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    @property
    def lag_ms(self) -> float:
        """How old the last event was when it was read, or how long the server is away."""
        if self._stream is not None and self._stream.lost_since is not None:
            return (time.time() - self._stream.lost_since) * 1000
        return self._streaming.lag_ms if self._streaming is not None else 0.0

    # --- connecting ------------------------------------------------------------------------------

    def connect(self) -> Connection:
        """A connection for queries, with the configured first statements run."""
        connection = self._endpoint.connect()
        with connection.cursor() as cursor:
            for statement in _statements(self._config.initial_statements):
                cursor.execute(statement)
        return connection

    def _ask(self) -> Server:
        try:
            return self._checked()
        except pymysql.err.MySQLError as error:
            raise database_fault(error) from error

    def _checked(self) -> Server:
        with closing(self.connect()) as connection:
            server = Server.ask(connection)
            if server.flavour is Flavour.MARIADB:
                raise ConfigError(
                    "connector.class",
                    f"The server at {self._endpoint} is MariaDB {server.version_text}, and this "
                    "connector reads MySQL.",
                    cure="Use a MySQL 8.0 to 9.7 server; MariaDB as a source is not built yet.",
                )
            require(connection, server)
        return server

    def _open(
        self, place: BinlogPosition, interested: Callable[[TableMap], CapturedTable | None]
    ) -> BinlogStream[CapturedTable]:
        config = self._config
        self._stream = BinlogStream(
            self._endpoint.connect,
            ReplicaSettings(
                server_id=config.server_id,
                heartbeat=config.keep_alive_interval / 1000 * _HEARTBEAT_SHARE,
                write_timeout=config.net_write_timeout,
            ),
            place,
            interested,
            by_gtid=self._by_gtid(place),
        )
        return self._stream

    # --- snapshot --------------------------------------------------------------------------------

    def _snapshot(
        self, earlier: Offset | None
    ) -> Generator[SourceBatch, None, tuple[Offset, Capture]]:
        recorded = None
        if not self._store.exists():
            self._store.create()
        elif earlier is None:
            recorded = self._last_recorded()
        capture = self._capture(empty_schemas(self._server))
        changes = self._changes(capture)
        snapshot = Snapshot(self.connect, capture, changes, self._gauge)
        yield from snapshot.take(lambda offset: self._clean_up(earlier, recorded, offset))
        return snapshot.offset, capture

    def _last_recorded(self) -> Offset | None:
        """Where an attempt that stored no offset stood, by its history."""
        last = None
        for text in self._store.read():
            record = HistoryRecord.from_json(text)
            if record is not None and record.source == self._partition:
                last = record
        return None if last is None else Offset.read(last.position)

    def _clean_up(
        self, interrupted: Offset | None, recorded: Offset | None, now: Offset
    ) -> Iterator[SourceBatch]:
        """Deletes of what an earlier attempt sent and is gone now. Its place is the stored offset
        of the ``interrupted`` snapshot, or else the last one ``recorded`` in the history."""
        earlier = interrupted or recorded
        if earlier is None or earlier.place == now.place:
            return
        missing = self._missing(earlier.place)
        if missing and interrupted is not None:
            raise SourceError(
                "The snapshot was interrupted, and the binlog since then is no longer there: "
                f"{missing} Rows deleted meanwhile cannot be told.",
                cure="Delete the connector's offsets to take a new snapshot all the same, and its "
                "topics before, lest such rows stay in them.",
            )
        if missing:  # someone deleted the offset, to begin anew
            _logger.warning(
                "A schema history from before is there but no offset, and the binlog since then "
                "is not: rows deleted meanwhile, if topics have them, stay there. %s", missing,
            )  # fmt: skip
            return
        _logger.info("Looking for rows deleted since the snapshot begun at %s.", earlier)
        schemas = empty_schemas(self._server)
        self._replay(schemas, earlier)
        capture = self._capture(schemas)
        known = self._open(earlier.place, _only_known(capture))
        streaming = Streaming(known, capture, self._changes(capture), None, earlier)
        try:
            yield from streaming.deletions(now.place)
        finally:
            known.close()

    # --- schemas ---------------------------------------------------------------------------------

    def _capture(self, schemas: Schemas) -> Capture:
        return Capture(self._config, schemas, CONNECTOR, self._task)

    def _changes(self, capture: Capture) -> SchemaChanges:
        return SchemaChanges(
            self._config, capture.filters, capture.topics, capture.source, self._store,
            capture.headers,
        )  # fmt: skip

    def _recover(self, offset: Offset) -> Capture:
        """The schemas as they were at the offset."""
        if not self._store.exists():
            raise SourceError(
                "The db history topic is missing, but an offset is stored: the schemas at "
                f"{offset} are not known.",
                cure="Restore the history named in schema.history.internal.*, or delete the "
                "connector's offsets to begin with a new snapshot.",
            )
        schemas = empty_schemas(self._server)
        started = time.monotonic()
        count = self._replay(schemas, offset)
        _logger.info(
            "Schema history recovered: %d records, %d tables, %.1f s.",
            count, len(schemas), time.monotonic() - started,
        )  # fmt: skip
        return self._capture(schemas)

    def _replay(self, schemas: Schemas, offset: Offset) -> int:
        by_gtid = self._by_gtid(offset.place)

        def recorded(position: Mapping[str, object]) -> bool:
            return recorded_by(Offset.read(position), offset, by_gtid=by_gtid)

        records = (HistoryRecord.from_json(text) for text in self._store.read())
        return recover(
            schemas,
            (record for record in records if record is not None),
            source=self._partition,
            recorded=recorded,
            skip_unparseable=self._config.history_skip_unparseable,
        )

    # --- streaming -------------------------------------------------------------------------------

    def _follow(self, begin: Offset, capture: Capture) -> Iterator[SourceBatch]:
        self._warn_unmatched(capture)
        stream = self._open(begin.place, capture.interested)
        heartbeat = None
        if self._config.heartbeat_interval:
            heartbeat = Heartbeat(
                self._config.heartbeat_interval / 1000, self._config.heartbeat_query, self.connect
            )
        self._streaming = Streaming(stream, capture, self._changes(capture), heartbeat, begin)
        self._gauge("streaming", 1)
        try:
            yield from self._streaming.batches()
        finally:
            stream.close()
            if heartbeat is not None:
                heartbeat.close()

    def _warn_unmatched(self, capture: Capture) -> None:
        """An item of an include list that matches nothing is more often a typo than a plan."""
        with closing(self.connect()) as connection:
            databases = {name for (name,) in query(connection, "SHOW DATABASES")}
        for key, items, names in (
            ("database.include.list", self._config.database_include, databases),
            ("table.include.list", self._config.table_include, set(map(str, capture.schemas))),
        ):
            for item in capture.filters.unmatched(items or (), names):
                _logger.warning("%s: %r matches nothing that is there now.", key, item)

    def _available(self, place: BinlogPosition) -> BinlogPosition:
        """The place to read on from, if the server still has all that follows it."""
        missing = self._missing(place)
        if missing:
            raise SourceError(
                "The connector is trying to read change stream starting at "
                f"{place.file}:{place.pos}"
                + (f" after GTIDs {place.gtids}" if place.gtids else "")
                + f", but this is no longer available on the server. {missing}",
                cure="Delete the connector's offsets to begin with a new snapshot, and let the "
                "server keep binlogs for longer (binlog_expire_logs_seconds).",
            )
        if self._by_gtid(place):
            with closing(self._endpoint.connect()) as connection:
                purged = GtidSet.parse(self._server.purged_gtids(connection))
            completed = GtidSet.parse(place.gtids or "").completed_by(purged)
            return replace(place, gtids=str(completed))
        return place

    def _by_gtid(self, place: BinlogPosition) -> bool:
        return self._server.gtids_on and not self._config.gtid_ignore and place.gtids is not None

    def _missing(self, place: BinlogPosition) -> str:
        """What the server lacks to read on from there, as a sentence; empty if nothing."""
        with closing(self._endpoint.connect()) as connection:
            if not self._by_gtid(place):
                files = self._server.binlog_files(connection)
                if place.file in files:
                    return ""
                return f"The server has no {place.file}; its oldest binlog is {files[0]}."
            _, _, text = self._server.binlog_position(connection)
            executed = GtidSet.parse(text or "")
            wanted = GtidSet.parse(place.gtids or "")
            purged = GtidSet.parse(self._server.purged_gtids(connection))
        if not wanted <= executed:
            return f"The server never executed {wanted - executed}: it is another server."
        gone = purged & (executed - wanted.completed_by(purged))
        return f"It has purged {gone}." if gone else ""


def _only_known(capture: Capture) -> Callable[[TableMap], CapturedTable | None]:
    """Of a table the earlier attempt had not recorded, it had sent no rows either."""

    def interested(table_map: TableMap) -> CapturedTable | None:
        name = TableId(table_map.database, table_map.table)
        return capture.interested(table_map) if name in capture.schemas else None

    return interested


def _statements(text: str | None) -> list[str]:
    """``database.initial.statements``: split at semicolons, a doubled one stands for itself."""
    if not text:
        return []
    parts = text.replace(";;", "\0").split(";")
    return [part.replace("\0", ";").strip() for part in parts if part.strip()]
