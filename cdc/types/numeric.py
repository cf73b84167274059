"""Whole numbers and floating point (``BinlogValueConverters``)."""

from __future__ import annotations

from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, fixed
from cdc.types.options import BigintUnsignedHandling, Options
from connect.logical import decimal_schema, unscaled_bytes
from connect.schema import Schema, Type
from schema_history.table import Column

# Width, stored type, schema type signed and unsigned.
_WHOLE = {
    "tinyint": (1, Field.TINY, Type.INT16, Type.INT16),
    "smallint": (2, Field.SHORT, Type.INT16, Type.INT32),
    "mediumint": (3, Field.INT24, Type.INT32, Type.INT32),
    "int": (4, Field.LONG, Type.INT32, Type.INT64),
    "bigint": (8, Field.LONGLONG, Type.INT64, Type.INT64),
}
_UNSIGNED_DIGITS = 20


def whole(column: Column, options: Options) -> ColumnType:
    """TINYINT to BIGINT. BOOL is TINYINT, as the server has it, however it was written."""
    width, stored, signed, unsigned = _WHOLE[column.data_type]
    if not column.unsigned and column.type_name != "SERIAL":
        return _whole(Schema(signed, optional=column.optional), width, 0, stored)
    if width < 8:
        return _whole(Schema(unsigned, optional=column.optional), width, 1, stored)
    if options.bigint_unsigned is BigintUnsignedHandling.LONG:
        # Numbers over 2^63 - 1 come out negative.
        return _whole(Schema(Type.INT64, optional=column.optional), width, 0, stored)
    schema = decimal_schema(0, _UNSIGNED_DIGITS, optional=column.optional)
    codec = Codec(Op.INT, width, 1, convert=unscaled_bytes)
    return ColumnType(schema, codec, fixed(codec, stored))


def _whole(schema: Schema, width: int, unsigned: int, stored: int) -> ColumnType:
    codec = Codec(Op.INT, width, unsigned)
    return ColumnType(schema, codec, fixed(codec, stored))


def single(column: Column, options: Options) -> ColumnType:
    """FLOAT. Its text has six digits, so a snapshot selects it as a double.

    FLOAT(M,D) has the schema of a double and the value of the float.
    """
    kind = Type.FLOAT32 if column.scale is None else Type.FLOAT64
    codec = Codec(Op.FLOAT)
    schema = Schema(kind, optional=column.optional)
    return ColumnType(schema, codec, fixed(codec, Field.FLOAT), select="{} * 1e0")


def double(column: Column, options: Options) -> ColumnType:
    """DOUBLE. DOUBLE(M,D) has text of D digits, which need not be the stored value."""
    codec = Codec(Op.DOUBLE)
    schema = Schema(Type.FLOAT64, optional=column.optional)
    select = "{}" if column.scale is None else "{} * 1e0"
    return ColumnType(schema, codec, fixed(codec, Field.DOUBLE), select=select)
