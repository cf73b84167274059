"""DATE, TIME, DATETIME, TIMESTAMP and YEAR by ``time.precision.mode``.

A zero date, or one with a zero part, becomes null, and in a NOT NULL column the epoch
(``BinlogValueConverters``, ``io.debezium.time``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from cdc.types.codec import Codec, Field, Op, Wire
from cdc.types.column_type import ColumnType, expect, fixed
from cdc.types.options import Options, TimePrecision
from connect import logical
from connect.errors import DataError
from connect.logical import date_from_days, datetime_from_micros
from connect.schema import Schema, Type, Value
from schema_history.table import Column

_logger = logging.getLogger(__name__)

_DAY = 86_400_000_000
_LONG = 1 << 63
_MILLIS, _MICROS, _NANOS = 0, 1, 2


def _schema(kind: Type, name: str, column: Column) -> Schema:
    full = name if "." in name else f"io.debezium.time.{name}"
    return Schema(kind, optional=column.optional, name=full, version=1)


def _with_fraction(codec: Codec, code: int) -> Callable[[Wire], Codec]:
    """The number of fraction digits decides how many bytes there are."""

    def wire(stored: Wire) -> Codec:
        expect(stored, code)
        if stored.a != codec.a:
            raise DataError(
                f"its fraction is stored with {stored.a} digits, where its definition has {codec.a}"
            )
        return codec

    return wire


def date(column: Column, options: Options) -> ColumnType:
    schema = _schema(Type.INT32, "Date", column)
    convert: Callable[[int], str] | None = None
    epoch: Value = 0
    if options.time is TimePrecision.CONNECT:
        schema = _schema(Type.INT32, logical.DATE, column)
    elif options.time is TimePrecision.ISOSTRING:
        schema = _schema(Type.STRING, "IsoDate", column)
        epoch = "1970-01-01Z"

        def convert(days: int) -> str:
            return f"{date_from_days(days).isoformat()}Z"

    stand_in = None if column.optional else epoch
    codec = Codec(Op.DATE, table=stand_in, convert=convert, adjust=options.adjust_years)
    return ColumnType(schema, codec, fixed(codec, Field.DATE, Field.NEWDATE))


def datetime(column: Column, options: Options) -> ColumnType:
    digits = column.length or 0
    convert: Callable[[int], Value] | None = None
    epoch: Value = 0
    if options.time is TimePrecision.CONNECT:
        unit, schema = _MILLIS, _schema(Type.INT64, logical.TIMESTAMP, column)
    elif options.time is TimePrecision.NANOSECONDS:
        unit, schema, convert = _NANOS, _schema(Type.INT64, "NanoTimestamp", column), _in_range
    elif options.time is TimePrecision.ISOSTRING:
        unit, schema = _MICROS, _schema(Type.STRING, "IsoTimestamp", column)
        epoch, convert = "1970-01-01T00:00:00Z", _iso_timestamp
    elif options.time is TimePrecision.MICROSECONDS or digits > 3:
        unit, schema = _MICROS, _schema(Type.INT64, "MicroTimestamp", column)
    else:
        unit, schema = _MILLIS, _schema(Type.INT64, "Timestamp", column)
    stand_in = None if column.optional else epoch
    codec = Codec(Op.DATETIME, digits, unit, stand_in, convert, options.adjust_years)
    return ColumnType(schema, codec, _with_fraction(codec, Field.DATETIME2))


def _in_range(nanos: int) -> int:
    if not -_LONG <= nanos < _LONG:
        raise DataError("the time is outside of the years 1677 to 2262, which nanoseconds can say")
    return nanos


def _iso_timestamp(micros: int) -> str:
    return f"{_trimmed(datetime_from_micros(micros).isoformat(timespec='microseconds'))}Z"


def _trimmed(text: str) -> str:
    """Without zeros at the end of the fraction."""
    return text.rstrip("0").rstrip(".")


def timestamp(column: Column, options: Options) -> ColumnType:
    """Text in UTC, in every mode."""
    schema = _schema(Type.STRING, "ZonedTimestamp", column)
    stand_in = None if column.optional else "1970-01-01T00:00:00Z"
    codec = Codec(Op.TIMESTAMP, column.length or 0, table=stand_in)
    return ColumnType(schema, codec, _with_fraction(codec, Field.TIMESTAMP2))


def time(column: Column, options: Options) -> ColumnType:
    schema = _schema(Type.INT64, "MicroTime", column)
    convert: Callable[[int], Value] | None = None
    if options.time is TimePrecision.CONNECT:
        schema = _schema(Type.INT32, logical.TIME, column)
        convert = _within_a_day(column, lambda micros: micros // 1000)
    elif options.time is TimePrecision.ISOSTRING:
        schema = _schema(Type.STRING, "IsoTime", column)
        convert = _within_a_day(column, _iso_time)
    elif options.time is TimePrecision.NANOSECONDS:
        schema = _schema(Type.INT64, "NanoTime", column)

        def convert(micros: int) -> int:
            return micros * 1000

    codec = Codec(Op.TIME, column.length or 0, convert=convert)
    return ColumnType(schema, codec, _with_fraction(codec, Field.TIME2))


def _iso_time(micros: int) -> str:
    clock = datetime_from_micros(micros).time()
    return f"{_trimmed(clock.isoformat(timespec='microseconds'))}Z"


def _within_a_day(column: Column, convert: Callable[[int], Value]) -> Callable[[int], Value]:
    def checked(micros: int) -> Value:
        if 0 <= micros < _DAY:
            return convert(micros)
        problem = f"a TIME of {micros / 3_600_000_000:.1f} hours is no time of day"
        if not column.optional:
            raise DataError(
                problem, cure="Use time.precision.mode=microseconds, or make the column nullable."
            )
        _logger.warning("Column %s: %s; it becomes null.", column.name, problem)
        return None

    return checked


def year(column: Column, options: Options) -> ColumnType:
    """0000 follows the rule for years below 100: 2000 with ``enable.time.adjuster``, else 0."""
    zero = 2000 if options.adjust_years else 0
    years = (zero, *range(1901, 2156))
    stored = Codec(Op.LABEL, 1, table=years)
    shown = Codec(Op.INT, convert=lambda number: number or zero)
    return ColumnType(_schema(Type.INT32, "Year", column), shown, fixed(stored, Field.YEAR))
