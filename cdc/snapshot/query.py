"""Streaming the rows of one query past pymysql's cursor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql

from cdc.binlog.packets import LostError, PacketReader
from cdc.binlog.protocol import command, sock_of
from cdc.binlog.table_map import length
from cdc.connection import Connection
from cdc.snapshot.text_rows_cy import TextPlan, decode_text_rows
from connect.errors import RetriableError, SourceError

_QUERY = 0x03
_EOF = 0xFE


def stream_rows(
    connection: Connection, sql: str, plan: TextPlan
) -> Iterator[list[tuple[Any, ...]]]:
    """Rows as the server sends them, in lists of what half a MB holds.

    The server waits while the caller does something else; the connection is busy until the last
    row. A caller that stops early must close the connection. Raises the server's own errors as
    pymysql does, RetriableError where the connection is lost, DataError for rows that are not those
    of ``plan``.
    """
    command(connection, _QUERY, sql.encode("utf-8"))
    reader = PacketReader(sock_of(connection))
    try:
        packets = _after_definitions(reader, sql, plan)
        while True:
            ends = bool(packets) and _is_end(packets[-1])
            if ends:
                last = packets.pop()
            if packets:
                yield decode_text_rows(packets, plan)
            if ends:
                if last[0] == 0xFF:
                    pymysql.err.raise_mysql_exception(last)
                return
            packets = reader.read()
    except LostError as error:
        raise RetriableError(
            f"The connection was lost in the middle of a query: {error}."
        ) from error


def _after_definitions(reader: PacketReader, sql: str, plan: TextPlan) -> list[bytes]:
    """Pass over the column definitions, which end in an EOF packet."""
    packets = reader.read()
    head = packets[0]
    if head[0] == 0xFF:
        pymysql.err.raise_mysql_exception(head)
    count, _ = length(head, 0)
    if count != len(plan):
        raise SourceError(f"A query gives {count} columns in place of {len(plan)}: {sql}")
    needed = 1 + count + 1
    while len(packets) < needed:
        packets += reader.read()
    return packets[needed:]


def _is_end(packet: bytes) -> bool:
    """An EOF or error packet; no row begins so (0xFE begins a text of 16 MB, a longer packet)."""
    return packet[0] == 0xFF or (packet[0] == _EOF and len(packet) < 9)
