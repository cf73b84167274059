"""Binlog events other than rows and table maps: functions from bytes to plain values.

``body`` is always what stands between the 19 bytes of common header and the checksum. Follows
MySQL's binlog event documentation (``libs/mysql/binlog/event``) and MariaDB's replication protocol
pages.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

import zstandard

from cdc.binlog.gtid import uuid_text
from cdc.binlog.table_map import length
from cdc.types.charsets import charset_of, decoder
from connect.errors import DataError, SourceError

HEADER_SIZE: Final = 19
ARTIFICIAL: Final = 0x20
"""Header flag of an event that the server made up for the stream and that is in no file."""
IGNORABLE: Final = 0x80


class Event:
    """Event type codes."""

    STOP: Final = 3
    QUERY: Final = 2
    ROTATE: Final = 4
    INTVAR: Final = 5
    RAND: Final = 13
    USER_VAR: Final = 14
    FORMAT_DESCRIPTION: Final = 15
    XID: Final = 16
    BEGIN_LOAD_QUERY: Final = 17
    EXECUTE_LOAD_QUERY: Final = 18
    TABLE_MAP: Final = 19
    WRITE_ROWS_V1: Final = 23
    UPDATE_ROWS_V1: Final = 24
    DELETE_ROWS_V1: Final = 25
    INCIDENT: Final = 26
    HEARTBEAT: Final = 27
    IGNORABLE: Final = 28
    ROWS_QUERY: Final = 29
    WRITE_ROWS: Final = 30
    UPDATE_ROWS: Final = 31
    DELETE_ROWS: Final = 32
    GTID: Final = 33
    ANONYMOUS_GTID: Final = 34
    PREVIOUS_GTIDS: Final = 35
    TRANSACTION_CONTEXT: Final = 36
    VIEW_CHANGE: Final = 37
    XA_PREPARE: Final = 38
    PARTIAL_UPDATE_ROWS: Final = 39
    TRANSACTION_PAYLOAD: Final = 40
    HEARTBEAT_V2: Final = 41
    GTID_TAGGED: Final = 42
    ANNOTATE_ROWS: Final = 160
    BINLOG_CHECKPOINT: Final = 161
    MARIADB_GTID: Final = 162
    GTID_LIST: Final = 163
    START_ENCRYPTION: Final = 164
    QUERY_COMPRESSED: Final = 165
    WRITE_ROWS_COMPRESSED_V1: Final = 166
    UPDATE_ROWS_COMPRESSED_V1: Final = 167
    DELETE_ROWS_COMPRESSED_V1: Final = 168
    WRITE_ROWS_COMPRESSED: Final = 169
    UPDATE_ROWS_COMPRESSED: Final = 170
    DELETE_ROWS_COMPRESSED: Final = 171


class Rotate(NamedTuple):
    """Where the stream goes on."""

    file: str
    position: int


class Query(NamedTuple):
    """A statement. ``charset`` is (client charset, connection collation, server collation) as
    collation ids; it and ``sql_mode`` are None where the event does not say."""

    thread: int
    database: str
    sql: bytes
    error: int
    sql_mode: int | None
    charset: tuple[int, int, int] | None

    def text(self) -> str:
        """The statement, decoded by the client's character set."""
        charset = charset_of(self.charset[0]) if self.charset else None
        try:
            return decoder(charset or "utf8mb4")(self.sql)
        except UnicodeDecodeError:
            # Literals of other character sets may stand in a statement; names never do.
            return self.sql.decode("utf-8", "replace")


class TaggedGtid(NamedTuple):
    """The head of a transaction. ``source`` is ``uuid`` or ``uuid:tag``; ``committed`` the
    original commit time in microseconds since the epoch."""

    source: str
    number: int
    committed: int | None


class MariadbGtid(NamedTuple):
    """``standalone``: one event follows and no COMMIT, as for DDL."""

    gtid: str
    standalone: bool


def has_checksum(body: bytes) -> bool:
    """Whether the events after this FORMAT_DESCRIPTION end in a CRC32.

    ``body`` is the event with its own checksum, which is there in any case, after a byte that
    names the algorithm.
    """
    if len(body) < 57:
        raise DataError("A FORMAT_DESCRIPTION event is cut off.")
    algorithm = body[-5]
    if algorithm not in (0, 1):
        raise DataError(f"Binlog checksum algorithm {algorithm} is not known.")
    return algorithm == 1


def rotate(body: bytes) -> Rotate:
    if len(body) < 9:
        raise DataError("A ROTATE event is cut off.")
    return Rotate(body[8:].decode("utf-8"), int.from_bytes(body[:8], "little"))


def heartbeat_v2(body: bytes) -> Rotate:
    """Tagged fields: 1 is the file, 2 the position."""
    file, position, pos = "", 0, 0
    while pos < len(body) and body[pos]:
        kind = body[pos]
        size, pos = length(body, pos + 1)
        value = body[pos : pos + size]
        if kind == 1:
            file = value.decode("utf-8")
        elif kind == 2:
            position, _ = length(value, 0)
        pos += size
    return Rotate(file, position)


_QUERY = struct.Struct("<IIBHH")


def query(body: bytes) -> Query:
    try:
        thread, _seconds, database_size, error, variables_size = _QUERY.unpack_from(body)
        pos = _QUERY.size + variables_size
        sql_mode, charset = _variables(body[_QUERY.size : pos])
        end = pos + database_size
        if end >= len(body):
            raise ValueError("its database is cut off")
        return Query(thread, body[pos:end].decode(), body[end + 1 :], error, sql_mode, charset)
    except (struct.error, IndexError, ValueError) as error:
        raise DataError(f"A QUERY event is damaged: {error}.") from error


_VARIABLE_SIZES = {0: 4, 3: 4, 7: 2, 8: 2, 9: 8, 10: 4, 13: 3, 16: 1, 17: 8, 18: 2, 19: 1, 20: 1}
_SQL_MODE, _CHARSET = 1, 4


def _variables(data: bytes) -> tuple[int | None, tuple[int, int, int] | None]:
    """SQL mode and character set; reading ends at the first variable of unknown size."""
    sql_mode = charset = None
    pos = 0
    while pos < len(data):
        kind = data[pos]
        pos += 1
        if kind == _SQL_MODE:
            sql_mode = int.from_bytes(data[pos : pos + 8], "little")
            pos += 8
        elif kind == _CHARSET:
            charset = struct.unpack_from("<HHH", data, pos)
            pos += 6
        elif kind in _VARIABLE_SIZES:
            pos += _VARIABLE_SIZES[kind]
        elif kind in (5, 6):  # time zone; catalog
            pos += 1 + data[pos]
        elif kind == 2:  # catalog with a zero byte
            pos += 2 + data[pos]
        elif kind == 11:  # invoking user and host
            pos += 1 + data[pos]
            pos += 1 + data[pos]
        else:
            break
    return sql_mode, charset


def gtid_tagged(body: bytes) -> TaggedGtid:
    """GTID_TAGGED of MySQL 8.3 up, written with the server's own serialisation library.

    A version, the size, the last field that must be understood, then fields with their numbers:
    0 flags, 1 UUID, 2 number, 3 tag, 4 last committed, 5 sequence number, 6 immediate commit time,
    7 original commit time where it differs.
    """
    try:
        pos = 0
        _version, pos = _varint(body, pos)
        _size, pos = _varint(body, pos)
        _last, pos = _varint(body, pos)
        uuid, tag, number = "", "", 0
        committed: int | None = None
        while pos < len(body):
            kind, pos = _varint(body, pos)
            if kind == 1:
                octets = bytearray()
                for _ in range(16):
                    octet, pos = _varint(body, pos)
                    octets.append(octet)
                uuid = uuid_text(bytes(octets))
            elif kind == 3:
                size, pos = _varint(body, pos)
                tag = body[pos : pos + size].decode("ascii")
                pos += size
            elif kind in (2, 4, 5):
                value, pos = _varint(body, pos, signed=True)
                if kind == 2:
                    number = value
            else:
                value, pos = _varint(body, pos)
                if kind == 6 or kind == 7:
                    committed = value
                if kind >= 8:
                    break
    except (IndexError, ValueError, DataError) as error:
        raise DataError(f"A GTID_TAGGED event is damaged: {error}.") from error
    return TaggedGtid(f"{uuid}:{tag}" if tag else uuid, number, committed)


def _varint(data: bytes, pos: int, *, signed: bool = False) -> tuple[int, int]:
    """The number of low one bits in the first byte is the number of bytes that follow it.

    A signed number has its sign in the lowest bit of the value.
    """
    first = data[pos]
    extra = (~first & (first + 1)).bit_length() - 1
    if pos + 1 + extra > len(data):
        raise ValueError("a number is cut off")
    value = int.from_bytes(data[pos : pos + 1 + extra], "little") >> min(extra + 1, 8)
    if signed:
        value = ~(value >> 1) if value & 1 else value >> 1
    return value, pos + 1 + extra


def mariadb_gtid(body: bytes, server_id: int) -> MariadbGtid:
    if len(body) < 13:
        raise DataError("A MariaDB GTID event is cut off.")
    sequence, domain, flags = struct.unpack_from("<QIB", body)
    return MariadbGtid(f"{domain}-{server_id}-{sequence}", bool(flags & 1))


def incident(body: bytes) -> str:
    """The server's message about events it could not log."""
    return body[3 : 3 + body[2]].decode("utf-8", "replace") if len(body) > 3 else "no message"


_REFUSED = {
    Event.PARTIAL_UPDATE_ROWS: (
        "an update of parts of a JSON value (binlog_row_value_options=PARTIAL_JSON)",
        "SET GLOBAL binlog_row_value_options = '' on the server, reconnect the writers, and begin "
        "with a new snapshot.",
    ),
    Event.EXECUTE_LOAD_QUERY: (
        "LOAD DATA logged as a statement",
        "SET GLOBAL binlog_format = 'ROW' on the server, and begin with a new snapshot.",
    ),
}
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
        Event.START_ENCRYPTION,  # what follows is decrypted by the server
    }
)


def refuse(kind: int, body: bytes, place: str, *, ignorable: bool) -> None:
    """Raise SourceError for an event that must not be passed over; return for all others."""
    if kind == Event.INCIDENT:
        raise SourceError(
            f"The server reports lost events at {place}: {incident(body)}.",
            cure="Begin with a new snapshot.",
        )
    if kind in _REFUSED:
        what, cure = _REFUSED[kind]
        raise SourceError(f"The event at {place} is {what}, which is not read.", cure=cure)
    if kind not in _PASSED and not ignorable:
        raise SourceError(
            f"The event at {place} is of type {kind}, which is not known.",
            cure="The server is newer than this program: take a newer version of it.",
        )


def inflated(data: bytes) -> bytes:
    """What MariaDB compressed (``log_bin_compress``): a head byte, the size, zlib's stream.

    The head's lowest three bits say how many bytes the size has, highest byte first.
    """
    if not data or data[0] & 0x78 or not data[0] & 0x80:
        raise DataError("A compressed event has a head that is not known.")
    width = data[0] & 0x07
    size = int.from_bytes(data[1 : 1 + width], "big")
    try:
        plain = zlib.decompress(data[1 + width :])
    except zlib.error as error:
        raise DataError(f"A compressed event is damaged: {error}.") from error
    if len(plain) != size:
        raise DataError("A compressed event has not the size it says.")
    return plain


class Payload(NamedTuple):
    """A TRANSACTION_PAYLOAD with its place; its events are compressed."""

    body: bytes
    start: int
    end: int


_PLAIN = 255
_CHUNK = 1 << 20


def unpacked(payload: Payload) -> Iterator[bytes]:
    """The events inside, each with its header, without checksums.

    Decompressed as they are asked for: no more than an event and a chunk are held.
    """
    body = payload.body
    pos = 0
    compression = 0
    while True:
        kind, pos = length(body, pos)
        if kind == 0:
            break
        size, pos = length(body, pos)
        if kind == 2:
            compression, _ = length(body, pos)
        pos += size
    content = memoryview(body)[pos:]
    chunks: Iterator[bytes]
    if compression == 0:
        chunks = zstandard.ZstdDecompressor().read_to_iter(content, write_size=_CHUNK)
    elif compression == _PLAIN:
        chunks = iter([bytes(content)])
    else:
        raise DataError(f"Compression {compression} of a transaction is not known.")
    return _split(chunks)


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = bytearray()
    try:
        for chunk in chunks:
            rest += chunk
            start = 0
            while len(rest) - start >= HEADER_SIZE:
                size = int.from_bytes(rest[start + 9 : start + 13], "little")
                if size < HEADER_SIZE:
                    raise DataError("A compressed transaction is damaged.")
                if len(rest) - start < size:
                    break
                yield bytes(rest[start : start + size])
                start += size
            del rest[:start]
    except zstandard.ZstdError as error:
        raise DataError(f"A compressed transaction is damaged: {error}.") from error
    if rest:
        raise DataError("A compressed transaction ends in the middle of an event.")
