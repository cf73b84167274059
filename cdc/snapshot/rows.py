"""Runs a query and gives its rows as Connect values, as they arrive, never the whole result.

Follows the page "Text Resultset" of MySQL's client/server protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pymysql

from cdc.binlog.packets import Lost, PacketReader
from cdc.binlog.protocol import command, sock_of
from cdc.connection import Connection
from cdc.snapshot.text_rows_cy import TextPlan, decode_text_rows
from cdc.types.codec import Codec
from connect.errors import RetriableError

_QUERY = 0x03
_EOF, _ERROR = 0xFE, 0xFF
_LONGEST_EOF = 8


def read_rows(
    connection: Connection, sql: str, codecs: Sequence[Codec]
) -> Iterator[list[tuple[Any, ...]]]:
    """Runs of rows, about half a megabyte each; none of them is empty.

    Raises the server's error as pymysql does, RetriableError when the connection breaks. The
    result must be read to its end before the connection is used for anything else.
    """
    plan = TextPlan(codecs)
    sock = sock_of(connection)
    sock.settimeout(None)
    command(connection, _QUERY, sql.encode())
    reader = PacketReader(sock)
    try:
        packets = reader.read()
        if packets[0][0] == _ERROR:
            pymysql.err.raise_mysql_exception(packets[0])
        # The count of columns, their definitions, and an EOF come before the rows.
        head = 2 + len(codecs)
        while len(packets) < head:
            packets += reader.read()
        del packets[:head]
        while True:
            ended = False
            if packets:
                last = packets[-1]
                if last[0] == _ERROR:
                    pymysql.err.raise_mysql_exception(last)
                if last[0] == _EOF and len(last) <= _LONGEST_EOF:
                    ended = True
                    packets.pop()
            if packets:
                yield decode_text_rows(packets, plan)
            if ended:
                return
            packets = reader.read()
    except Lost as error:
        raise RetriableError(f"The connection broke while rows were read: {error}.") from error
