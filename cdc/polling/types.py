"""From a column of a result to its Connect schema and the function that converts its values.

A database module describes each column in JDBC's terms (``Column``) and gives its values in the raw
form below; what Connect schema that makes is decided here, the same for every database.

    BOOLEAN bool    BIT TINYINT SMALLINT INTEGER BIGINT int    REAL DOUBLE float
    NUMERIC DECIMAL CHAR DATE TIME TIMESTAMP str               BINARY bytes

Follows Confluent's ``GenericDatabaseDialect`` (addFieldToSchema, columnConverterFor).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from enum import StrEnum
from typing import Any, TypeAlias

from cdc.polling import temporal
from connect.logical import (
    date_schema,
    decimal_schema,
    time_schema,
    timestamp_schema,
    unscaled_bytes,
)
from connect.schema import (
    BOOLEAN,
    BYTES,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    Schema,
)

Convert: TypeAlias = Callable[[Any], Any]
_WIDE = Context(prec=20_000)  # PostgreSQL's numeric has up to 16,383 digits after the point


class SqlType(StrEnum):
    BOOLEAN = "BOOLEAN"
    BIT = "BIT"
    TINYINT = "TINYINT"
    SMALLINT = "SMALLINT"
    INTEGER = "INTEGER"
    BIGINT = "BIGINT"
    REAL = "REAL"
    DOUBLE = "DOUBLE"
    NUMERIC = "NUMERIC"
    DECIMAL = "DECIMAL"
    CHAR = "CHAR"
    BINARY = "BINARY"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    OTHER = "OTHER"


@dataclass(frozen=True)
class Column:
    """One column of a result. ``precision`` 0 means a number without declared size.

    ``raw`` brings the driver's value (never null) into the raw form where it is not in it already.
    """

    name: str
    type: SqlType
    nullable: bool = True
    unsigned: bool = False
    precision: int = 0
    scale: int = 0
    auto_increment: bool = False
    raw: Convert | None = dataclasses.field(default=None, compare=False)


class NumericMapping(StrEnum):
    NONE = "none"
    PRECISION_ONLY = "precision_only"
    BEST_FIT = "best_fit"
    BEST_FIT_EAGER_DOUBLE = "best_fit_eager_double"


class Granularity(StrEnum):
    CONNECT_LOGICAL = "connect_logical"
    MICROS_LONG = "micros_long"
    MICROS_STRING = "micros_string"
    MICROS_ISO = "micros_iso_datetime_string"
    NANOS_LONG = "nanos_long"
    NANOS_STRING = "nanos_string"
    NANOS_ISO = "nanos_iso_datetime_string"


@dataclass(frozen=True)
class Rules:
    """What the configuration says about types."""

    numeric: NumericMapping = NumericMapping.NONE
    granularity: Granularity = Granularity.CONNECT_LOGICAL
    zone: dt.tzinfo = dt.UTC
    legacy_calendar: bool = True


def field(column: Column, rules: Rules) -> tuple[Schema, Convert | None] | None:
    """Schema and converter (of values that are not null; None: as it is), or None to leave it out.

    The converter raises ValueError or OverflowError for a value the schema cannot hold.
    """
    made = _field(column, rules)
    if made is None:
        return None
    schema, convert = made
    if column.nullable:
        schema = replace(schema, optional=True)
    return schema, _chain(column.raw, convert)


def instant(column: Column, rules: Rules) -> Convert:
    """Reads a TIMESTAMP column's values, never null, as microseconds since the epoch."""
    read = temporal.timestamp_reader(rules.zone, legacy=rules.legacy_calendar)
    return _chain(column.raw, read) or read


def _chain(first: Convert | None, second: Convert | None) -> Convert | None:
    if first is None or second is None:
        return first or second
    inner, outer = first, second
    return lambda value: outer(inner(value))


_PLAIN = {
    SqlType.BOOLEAN: BOOLEAN,
    SqlType.REAL: FLOAT32,
    SqlType.DOUBLE: FLOAT64,
    SqlType.CHAR: STRING,
    SqlType.BINARY: BYTES,
}
_WHOLE = {
    SqlType.TINYINT: (INT8, INT16),
    SqlType.SMALLINT: (INT16, INT32),
    SqlType.INTEGER: (INT32, INT64),
    SqlType.BIGINT: (INT64, INT64),
}


def _field(column: Column, rules: Rules) -> tuple[Schema, Convert | None] | None:
    kind = column.type
    if kind in _PLAIN:
        return _PLAIN[kind], None
    if kind in _WHOLE:
        schema = _WHOLE[kind][column.unsigned]
        return schema, _long if kind is SqlType.BIGINT and column.unsigned else None
    if kind is SqlType.BIT:
        return INT8, lambda bits: bits - 256 if bits > 127 else bits
    if kind is SqlType.DECIMAL:
        return _decimal(column)
    if kind is SqlType.NUMERIC:
        return _numeric(column, rules.numeric)
    if kind is SqlType.DATE:
        return date_schema(), temporal.date_reader(legacy=rules.legacy_calendar)
    if kind is SqlType.TIME:
        return time_schema(), temporal.time_reader(rules.zone)
    if kind is SqlType.TIMESTAMP:
        return _timestamp(rules)
    return None


def _long(value: int) -> int:
    if value >= 2**63:
        raise ValueError("it is greater than 9223372036854775807")
    return value


def _decimal(column: Column) -> tuple[Schema, Convert]:
    scale = column.scale

    def convert(text: str) -> bytes:
        whole, _, fraction = text.partition(".")
        if len(fraction) == scale:
            return unscaled_bytes(int(whole + fraction))
        scaled = Decimal(text).scaleb(scale, _WIDE)
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise ValueError(f"a Decimal of scale {scale} cannot hold it")
        return unscaled_bytes(int(scaled))

    return decimal_schema(scale, column.precision), convert


def _numeric(column: Column, mapping: NumericMapping) -> tuple[Schema, Convert]:
    precision, scale = column.precision, column.scale
    declared = precision > 0
    fits = declared and precision <= 18
    if mapping is NumericMapping.PRECISION_ONLY and fits and scale == 0:
        return _whole(precision), int
    if mapping in (NumericMapping.BEST_FIT, NumericMapping.BEST_FIT_EAGER_DOUBLE):
        if fits and scale < 1 and precision - scale <= 18:
            return _whole(precision - scale), int
        if fits and scale > 0:
            return FLOAT64, float
        if mapping is NumericMapping.BEST_FIT_EAGER_DOUBLE and (scale > 0 or not declared):
            return FLOAT64, float
    return _decimal(column)


def _whole(digits: int) -> Schema:
    if digits > 9:
        return INT64
    if digits > 4:
        return INT32
    return INT16 if digits > 2 else INT8


def _timestamp(rules: Rules) -> tuple[Schema, Convert]:
    read = temporal.timestamp_reader(rules.zone, legacy=rules.legacy_calendar)
    zone = rules.zone

    def iso(micros: int) -> str:
        return temporal.wall_clock(micros, zone, separator="T")

    forms: dict[Granularity, tuple[Schema, Convert]] = {
        Granularity.CONNECT_LOGICAL: (timestamp_schema(), lambda micros: micros // 1000),
        Granularity.MICROS_LONG: (INT64, lambda micros: micros),
        Granularity.MICROS_STRING: (STRING, str),
        Granularity.MICROS_ISO: (STRING, iso),
        Granularity.NANOS_LONG: (INT64, lambda micros: micros * 1000),
        Granularity.NANOS_STRING: (STRING, lambda micros: str(micros * 1000)),
        Granularity.NANOS_ISO: (STRING, lambda micros: iso(micros) + "000"),
    }
    schema, form = forms[rules.granularity]
    return schema, lambda text: form(read(text))
