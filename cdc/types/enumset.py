"""ENUM and SET: their labels as text (``io.debezium.data.Enum`` and ``EnumSet``)."""

from __future__ import annotations

from cdc.types.codec import Codec, Field, Op, Wire
from cdc.types.column_type import ColumnType, expect
from cdc.types.options import Options
from connect.schema import Schema, Type
from schema_history.table import Column


def enum(column: Column, options: Options) -> ColumnType:
    """Number 0, what a wrong value became, is the empty text."""
    codec = Codec(Op.LABEL, table=("", *column.enum_values))
    return _labelled(column, "io.debezium.data.Enum", codec, Field.ENUM)


def set_(column: Column, options: Options) -> ColumnType:
    """Labels joined by commas, in the order of the definition."""
    codec = Codec(Op.SET, table=column.enum_values)
    return _labelled(column, "io.debezium.data.EnumSet", codec, Field.SET)


def _labelled(column: Column, name: str, codec: Codec, code: int) -> ColumnType:
    schema = Schema(
        Type.STRING,
        optional=column.optional,
        name=name,
        version=1,
        parameters={"allowed": ",".join(v.replace(",", "\\,") for v in column.enum_values)},
    )

    def wire(stored: Wire) -> Codec:
        expect(stored, code)
        return codec._replace(a=stored.a)

    return ColumnType(schema, Codec(Op.UTF8), wire)
