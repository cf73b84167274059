"""Types of MariaDB alone: UUID, INET4 and INET6, which are stored as bytes and shown as text."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address
from uuid import UUID

from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, prefixed
from cdc.types.options import Options
from connect.errors import DataError
from connect.schema import Schema, Type
from schema_history.table import Column

_STORED = (Field.STRING, Field.VAR_STRING, Field.VARCHAR)


def uuid(column: Column, options: Options) -> ColumnType:
    schema = Schema(Type.STRING, optional=column.optional, name="io.debezium.data.Uuid", version=1)
    codec = Codec(Op.BYTES, b=16, convert=_uuid)
    return ColumnType(schema, Codec(Op.UTF8), prefixed(codec, *_STORED))


def _uuid(data: bytes) -> str:
    if len(data) != 16:
        raise DataError(f"a UUID of {len(data)} bytes")
    return str(UUID(bytes=data))


def inet(column: Column, options: Options) -> ColumnType:
    """No schema name: Debezium cannot read such tables."""
    size = 4 if column.data_type == "inet4" else 16
    codec = Codec(Op.BYTES, b=size, convert=_address)
    schema = Schema(Type.STRING, optional=column.optional)
    return ColumnType(schema, Codec(Op.UTF8), prefixed(codec, *_STORED))


def _address(data: bytes) -> str:
    """As the server shows it.

    IPv4 addresses inside of IPv6 ones keep their dots, and a single zero group is left out too.
    """
    if len(data) == 16 and data[:10] == bytes(10) and data[10:12] in (b"\0\0", b"\xff\xff"):
        if data[10:12] == b"\xff\xff":
            return f"::ffff:{IPv4Address(data[12:])}"
        if data[12:14] != b"\0\0":
            return f"::{IPv4Address(data[12:])}"
    text = str(ip_address(data))
    groups = text.split(":")
    if len(groups) == 8 and "0" in groups:
        place = groups.index("0")
        return f"{':'.join(groups[:place])}::{':'.join(groups[place + 1 :])}"
    return text
