"""BINARY, VARBINARY and the BLOB family by ``binary.handling.mode``."""

from __future__ import annotations

import base64
from collections.abc import Callable

from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, prefixed
from cdc.types.options import BinaryHandling, Options
from connect.schema import Schema, Type
from schema_history.table import Column

_CONVERT: dict[BinaryHandling, Callable[[bytes], str]] = {
    BinaryHandling.BASE64: lambda data: base64.b64encode(data).decode("ascii"),
    BinaryHandling.BASE64_URL_SAFE: lambda data: base64.urlsafe_b64encode(data).decode("ascii"),
    BinaryHandling.HEX: bytes.hex,
}
_STORED = (Field.STRING, Field.VAR_STRING, Field.VARCHAR, Field.BLOB)


def binary(column: Column, options: Options) -> ColumnType:
    """BINARY(n) is stored without its trailing zero bytes and padded again."""
    convert = _CONVERT.get(options.binary)
    padded = (column.length or 1) if column.data_type in ("binary", "char") else 0
    codec = Codec(Op.BYTES, b=padded, convert=convert)
    schema = Schema(Type.STRING if convert else Type.BYTES, optional=column.optional)
    return ColumnType(schema, codec, prefixed(codec, *_STORED))
