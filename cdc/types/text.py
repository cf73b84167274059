"""CHAR, VARCHAR and the TEXT family."""

from __future__ import annotations

from cdc.types import binary
from cdc.types.charsets import UTF8, decoder
from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, prefixed
from cdc.types.options import Options
from connect.schema import Schema, Type
from schema_history.table import Column

_STORED = (Field.STRING, Field.VAR_STRING, Field.VARCHAR, Field.BLOB)


def text(column: Column, options: Options) -> ColumnType:
    """Decoded by the column's character set; ``binary`` makes it a column of bytes."""
    charset = column.charset or "utf8mb4"
    if charset == "binary":
        return binary.binary(column, options)
    stored = Codec(Op.UTF8)
    if charset not in UTF8:
        stored = Codec(Op.TEXT, table=decoder(charset))
    schema = Schema(Type.STRING, optional=column.optional)
    return ColumnType(schema, Codec(Op.UTF8), prefixed(stored, *_STORED))
