"""Spatial types: well-known binary and its reference system (``io.debezium.data.geometry``)."""

from __future__ import annotations

import struct

from cdc.types.codec import Codec, Field, Op
from cdc.types.column_type import ColumnType, prefixed
from cdc.types.options import Options
from connect.errors import DataError
from connect.schema import BYTES, FLOAT64, OPTIONAL_BYTES, OPTIONAL_INT32
from connect.schema import struct as struct_schema
from schema_history.table import Column

_POINT_SIZE = 25
"""Reference system, byte order, type, x, y."""


def point(column: Column, options: Options) -> ColumnType:
    schema = struct_schema(
        "io.debezium.data.geometry.Point",
        (("x", FLOAT64), ("y", FLOAT64), ("wkb", OPTIONAL_BYTES), ("srid", OPTIONAL_INT32)),
        optional=column.optional,
        version=1,
        doc="Geometry (POINT)",
    )
    codec = Codec(Op.BYTES, convert=_point)
    return ColumnType(schema, codec, prefixed(codec, Field.GEOMETRY))


def geometry(column: Column, options: Options) -> ColumnType:
    schema = struct_schema(
        "io.debezium.data.geometry.Geometry",
        (("wkb", BYTES), ("srid", OPTIONAL_INT32)),
        optional=column.optional,
        version=1,
        doc="Geometry",
    )
    codec = Codec(Op.BYTES, convert=_geometry)
    return ColumnType(schema, codec, prefixed(codec, Field.GEOMETRY))


def _point(data: bytes) -> tuple[float, float, bytes, int | None]:
    if len(data) != _POINT_SIZE:
        raise DataError(f"a point of {len(data)} bytes, where {_POINT_SIZE} are needed")
    x, y = struct.unpack_from("<dd" if data[4] else ">dd", data, 9)
    return (x, y, *_geometry(data))


def _geometry(data: bytes) -> tuple[bytes, int | None]:
    if len(data) < 9:
        raise DataError("a geometry is cut off")
    return data[4:], int.from_bytes(data[:4], "little") or None
