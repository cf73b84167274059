"""Becoming a replica: session settings, registration and the request for the binlog.

Follows the pages "Replication Protocol" of MySQL's and MariaDB's documentation.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import Final, cast

from cdc.binlog.gtid import GtidSet, MariadbGtids
from cdc.binlog.packets import PacketReader
from cdc.connection import Connection, Flavour, Server

_REGISTER: Final = 0x15
_DUMP: Final = 0x12
_DUMP_GTID: Final = 0x1E
_THROUGH_GTID: Final = 0x04
_SEND_ANNOTATE_ROWS: Final = 0x02
_MARIADB_CAPABILITY_GTID: Final = 4


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """``server_id`` must be unlike that of every other replica of the server.

    ``heartbeat`` is the longest silence in seconds before the server sends a sign of life; a
    connection silent for twice as long counts as lost. ``write_timeout`` is how long, in seconds,
    the server waits for us to read; 0 leaves its own setting.
    """

    server_id: int
    heartbeat: float = 10.0
    write_timeout: int = 0


def command(connection: Connection, code: int, payload: bytes) -> None:
    """Send one command; the answer is left to the caller."""
    body = bytes([code]) + payload
    sock_of(connection).sendall(struct.pack("<I", len(body))[:3] + b"\0" + body)
    connection._next_seq_id = 1  # type: ignore[attr-defined]


def sock_of(connection: Connection) -> socket.socket:
    """The connection's socket, TLS or not; pymysql keeps no bytes of it between commands."""
    return cast(socket.socket, connection._sock)  # type: ignore[attr-defined]


def start_dump(
    connection: Connection,
    server: Server,
    settings: ReplicaSettings,
    *,
    file: str,
    position: int,
    gtids: GtidSet | MariadbGtids | None,
) -> PacketReader:
    """Ask for the events after ``gtids``, or from file and position where that is None.

    From here on the connection only carries the binlog. Each packet of the reader is a status
    byte (0, 0xFE end, 0xFF error) and an event.
    """
    _prepare(connection, server, settings, gtids)
    _register(connection, settings.server_id)
    sock = sock_of(connection)
    sock.settimeout(settings.heartbeat * 2 + 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if isinstance(gtids, GtidSet):
        data = gtids.encode()
        request = struct.pack("<HII", _THROUGH_GTID, settings.server_id, 0)
        request += struct.pack("<QI", 4, len(data)) + data
        command(connection, _DUMP_GTID, request)
    else:
        if gtids is not None:
            file, position = "", 4
        flags = _SEND_ANNOTATE_ROWS if server.flavour is Flavour.MARIADB else 0
        head = struct.pack("<IHI", position, flags, settings.server_id)
        command(connection, _DUMP, head + file.encode())
    return PacketReader(sock)


def _prepare(
    connection: Connection,
    server: Server,
    settings: ReplicaSettings,
    gtids: GtidSet | MariadbGtids | None,
) -> None:
    period = int(settings.heartbeat * 1_000_000_000)
    statements = [
        f"SET @master_heartbeat_period = {period}, @source_heartbeat_period = {period}",
        "SET @master_binlog_checksum = @@global.binlog_checksum, "
        "@source_binlog_checksum = @@global.binlog_checksum",
    ]
    if settings.write_timeout:
        statements.append(f"SET SESSION net_write_timeout = {settings.write_timeout}")
    if server.flavour is Flavour.MARIADB:
        statements.append(f"SET @mariadb_slave_capability = {_MARIADB_CAPABILITY_GTID}")
        if gtids is not None:
            statements.append(f"SET @slave_connect_state = '{gtids}'")
            statements.append("SET @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0")
    else:
        statements.append("SET @slave_uuid = UUID(), @replica_uuid = @slave_uuid")
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _register(connection: Connection, server_id: int) -> None:
    """Be listed in SHOW REPLICAS; host, user and password are left empty."""
    payload = struct.pack("<IBBBHII", server_id, 0, 0, 0, 0, 0, 0)
    command(connection, _REGISTER, payload)
    connection._read_ok_packet()  # type: ignore[attr-defined]
