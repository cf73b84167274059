"""VECTOR: an array of floats (``io.debezium.data.FloatVector``)."""

from __future__ import annotations

import struct

from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, prefixed
from cdc.types.options import Options
from connect.errors import DataError
from connect.schema import FLOAT32, Schema, Type
from schema_history.table import Column


def vector(column: Column, options: Options) -> ColumnType:
    schema = Schema(
        Type.ARRAY,
        optional=column.optional,
        name="io.debezium.data.FloatVector",
        version=1,
        element=FLOAT32,
    )
    codec = Codec(Op.BYTES, convert=_floats)
    return ColumnType(schema, codec, prefixed(codec, Field.VECTOR, Field.BLOB, Field.VARCHAR))


def _floats(data: bytes) -> list[float]:
    if len(data) % 4:
        raise DataError("a vector is cut off")
    return list(struct.unpack(f"<{len(data) // 4}f", data))
