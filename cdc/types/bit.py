"""BIT: a boolean for one bit, else little-endian bytes (``io.debezium.data.Bits``)."""

from __future__ import annotations

from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, fixed
from cdc.types.options import Options
from connect.schema import Schema, Type
from schema_history.table import Column


def bit(column: Column, options: Options) -> ColumnType:
    size = column.length or 1
    if size == 1:
        schema = Schema(Type.BOOLEAN, optional=column.optional)
        stored = Codec(Op.LABEL, 1, table=(False, True))
        shown = Codec(Op.BYTES, convert=lambda data: data != b"\0")
        return ColumnType(schema, shown, fixed(stored, Field.BIT))
    schema = Schema(
        Type.BYTES,
        optional=column.optional,
        name="io.debezium.data.Bits",
        version=1,
        parameters={"length": str(size)},
    )
    codec = Codec(Op.BITS, (size + 7) // 8)
    return ColumnType(schema, codec, fixed(codec, Field.BIT))
