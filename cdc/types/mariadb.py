"""Types of MariaDB alone: UUID, INET4 and INET6, which are stored as bytes and shown as text."""

from __future__ import annotations

import ipaddress
from uuid import UUID

from cdc.types.codec import Codec, Field, Op, Wire
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
    """Versions 1 to 5 are stored in another order, so that their time parts sort."""
    if len(data) != 16:
        raise DataError(f"a UUID of {len(data)} bytes")
    return str(UUID(bytes=data))


def inet(column: Column, options: Options) -> ColumnType:
    """No schema name: Debezium cannot read such tables."""
    size = 4 if column.data_type == "inet4" else 16
    codec = Codec(Op.BYTES, b=size, convert=lambda data: str(ipaddress.ip_address(data)))
    schema = Schema(Type.STRING, optional=column.optional)

    def wire(stored: Wire) -> Codec:
        return prefixed(codec, *_STORED)(stored)

    return ColumnType(schema, Codec(Op.UTF8), wire)
