"""What a schema means to a database, and its values in Python's own types.

``column_type`` says which kind of column a schema asks for; ``decoder`` turns the physical values
of ``connect.schema`` into one form per kind, which the dialects write:

    INT8 ... INT64, YEAR       int            DATE        date
    FLOAT32, FLOAT64           float          TIME        int, microseconds; a duration, may be < 0
    BOOLEAN                    bool           TIMESTAMP   datetime without zone
    STRING, JSON, UUID         str            ZONED       datetime in UTC
    BYTES                      bytes          DECIMAL     Decimal
    BITS                       int            NUMBER      Decimal of any precision and scale
    ARRAY, VECTOR (of floats)  list           GEOMETRY    (srid or None, WKB bytes)

Knows Connect's logical types and those of ``io.debezium.time`` and ``io.debezium.data``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeAlias

from connect import logical
from connect.errors import DataError
from connect.schema import Schema, Type, Value

Decoder: TypeAlias = Callable[[Any], Any]
"""From a physical value, never None, to the form of its kind."""

LENGTH: Final = "__debezium.source.column.length"

_DAY: Final = 86_400_000_000


class Kind(StrEnum):
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FLOAT32 = "FLOAT32"
    FLOAT64 = "FLOAT64"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    BYTES = "BYTES"
    DECIMAL = "DECIMAL"
    NUMBER = "NUMBER"
    DATE = "DATE"
    TIME = "TIME"
    TIMESTAMP = "TIMESTAMP"
    ZONED = "ZONED"
    YEAR = "YEAR"
    JSON = "JSON"
    UUID = "UUID"
    BITS = "BITS"
    GEOMETRY = "GEOMETRY"
    ARRAY = "ARRAY"
    VECTOR = "VECTOR"


@dataclass(frozen=True)
class ColumnType:
    """A kind of column. DECIMAL has ``precision`` (None if the schema does not say) and ``scale``;
    TIME and TIMESTAMP have ``scale``, the digits of a second; STRING, BYTES and BITS may have a
    ``length``; ARRAY has an ``element``. ``duration`` marks a TIME that may leave 0:00 to 24:00.
    """

    kind: Kind
    precision: int | None = None
    scale: int = 0
    length: int | None = None
    element: ColumnType | None = None
    duration: bool = False


_PHYSICAL: Final[Mapping[Type, Kind]] = {
    Type.INT8: Kind.INT8,
    Type.INT16: Kind.INT16,
    Type.INT32: Kind.INT32,
    Type.INT64: Kind.INT64,
    Type.FLOAT32: Kind.FLOAT32,
    Type.FLOAT64: Kind.FLOAT64,
    Type.BOOLEAN: Kind.BOOLEAN,
    Type.STRING: Kind.STRING,
    Type.BYTES: Kind.BYTES,
}

_MILLIS: Final = ColumnType(Kind.TIMESTAMP, scale=3)
_MICROS: Final = ColumnType(Kind.TIMESTAMP, scale=6)
_GEOMETRY: Final = ColumnType(Kind.GEOMETRY)

_NAMED: Final[Mapping[str, ColumnType]] = {
    logical.DATE: ColumnType(Kind.DATE),
    logical.TIME: ColumnType(Kind.TIME, scale=3),
    logical.TIMESTAMP: _MILLIS,
    "io.debezium.time.Date": ColumnType(Kind.DATE),
    "io.debezium.time.IsoDate": ColumnType(Kind.DATE),
    "io.debezium.time.Time": ColumnType(Kind.TIME, scale=3),
    "io.debezium.time.MicroTime": ColumnType(Kind.TIME, scale=6, duration=True),
    "io.debezium.time.NanoTime": ColumnType(Kind.TIME, scale=6, duration=True),
    "io.debezium.time.IsoTime": ColumnType(Kind.TIME, scale=6),
    "io.debezium.time.Timestamp": _MILLIS,
    "io.debezium.time.MicroTimestamp": _MICROS,
    "io.debezium.time.NanoTimestamp": _MICROS,
    "io.debezium.time.IsoTimestamp": _MICROS,
    "io.debezium.time.ZonedTimestamp": ColumnType(Kind.ZONED, scale=6),
    "io.debezium.time.Year": ColumnType(Kind.YEAR),
    "io.debezium.data.Json": ColumnType(Kind.JSON),
    "io.debezium.data.Uuid": ColumnType(Kind.UUID),
    "io.debezium.data.VariableScaleDecimal": ColumnType(Kind.NUMBER),
    "io.debezium.data.FloatVector": ColumnType(Kind.VECTOR),
    "io.debezium.data.geometry.Point": _GEOMETRY,
    "io.debezium.data.geometry.Geometry": _GEOMETRY,
    "io.debezium.data.geometry.Geography": _GEOMETRY,
}


def column_type(schema: Schema) -> ColumnType:
    """The column a schema asks for. DataError for a type that no column can hold."""
    name = schema.name or ""
    if name == logical.DECIMAL:
        precision = schema.parameters.get(logical.PRECISION)
        return ColumnType(
            Kind.DECIMAL,
            precision=int(precision) if precision else None,
            scale=int(schema.parameters.get(logical.SCALE, "0")),
        )
    if name == "io.debezium.data.Bits":
        return ColumnType(Kind.BITS, length=int(schema.parameters.get("length", "64")))
    if name in _NAMED:
        return _NAMED[name]
    if schema.type is Type.ARRAY and schema.element is not None:
        return ColumnType(Kind.ARRAY, element=column_type(schema.element))
    kind = _PHYSICAL.get(schema.type)
    if kind is None:
        raise DataError(
            f"{name or schema.type} (type {schema.type}) has no type in SQL.",
            cure="Flatten it with org.apache.kafka.connect.transforms.Flatten$Value, or leave the "
            "field out with fields.whitelist.",
        )
    length = schema.parameters.get(LENGTH)
    return ColumnType(kind, length=int(length) if length else None)


def decoder(schema: Schema, zone: dt.tzinfo = dt.UTC) -> Decoder | None:
    """From physical values of ``schema`` to the form of its kind; None where they are the same.

    ``zone`` is that of the clock which a Connect Timestamp, being an instant, is shown on.
    """
    name = schema.name or ""
    if name == logical.DECIMAL:
        scale = int(schema.parameters.get(logical.SCALE, "0"))
        return lambda data: logical.decimal_from_bytes(data, scale)
    if name == logical.TIMESTAMP and zone is not dt.UTC:
        return lambda ms: on_clock(_from_millis(ms).replace(tzinfo=dt.UTC), zone)
    if schema.type is Type.ARRAY and schema.element is not None:
        inner = decoder(schema.element, zone)
        if inner is None:
            return None
        return lambda items: [None if item is None else inner(item) for item in items]
    if schema.type is Type.STRUCT:
        return _struct_decoder(schema)
    return _DECODERS.get(name)


def _struct_decoder(schema: Schema) -> Decoder:
    places = schema.indexes
    if schema.name == "io.debezium.data.VariableScaleDecimal":
        scale, value = places["scale"], places["value"]
        return lambda row: logical.decimal_from_bytes(row[value], row[scale])
    wkb, srid = places["wkb"], places.get("srid")
    return lambda row: (None if srid is None else row[srid], row[wkb])


def _from_millis(millis: int) -> dt.datetime:
    return logical.datetime_from_micros(millis * 1000)


def _whole_micros(nanos: int) -> int:
    micros, rest = divmod(nanos, 1000)
    if rest:
        raise ValueError(f"{nanos} ns has digits below a microsecond")
    return micros


def _of_day(micros: int) -> int:
    if not 0 <= micros <= _DAY:
        raise ValueError(f"{micros} µs is no time of day")
    return micros


def _iso_date(text: str) -> dt.date:
    return dt.date.fromisoformat(text.removesuffix("Z"))


def _iso_time(text: str) -> int:
    time = dt.time.fromisoformat(text.removesuffix("Z"))
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond


def _iso_timestamp(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.removesuffix("Z"))


def zoned(text: str) -> dt.datetime:
    """An ISO-8601 time with zone (without: UTC), in UTC."""
    value = dt.datetime.fromisoformat(text)
    return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def on_clock(instant: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """What a clock in ``zone`` shows at an instant."""
    return instant.astimezone(zone).replace(tzinfo=None)


_DECODERS: Final[Mapping[str, Decoder]] = {
    logical.DATE: logical.date_from_days,
    logical.TIME: lambda millis: _of_day(millis * 1000),
    logical.TIMESTAMP: _from_millis,
    "io.debezium.time.Date": logical.date_from_days,
    "io.debezium.time.IsoDate": _iso_date,
    "io.debezium.time.Time": lambda millis: _of_day(millis * 1000),
    "io.debezium.time.NanoTime": _whole_micros,
    "io.debezium.time.IsoTime": _iso_time,
    "io.debezium.time.Timestamp": _from_millis,
    "io.debezium.time.MicroTimestamp": logical.datetime_from_micros,
    "io.debezium.time.NanoTimestamp": lambda nanos: logical.datetime_from_micros(
        _whole_micros(nanos)
    ),
    "io.debezium.time.IsoTimestamp": _iso_timestamp,
    "io.debezium.time.ZonedTimestamp": zoned,
    "io.debezium.data.Bits": lambda data: int.from_bytes(data, "little"),
}


def zero(schema: Schema) -> Value:
    """The physical value that MySQL gives existing rows in a new NOT NULL column without default.

    It is also what Debezium writes for such a cell: 0, the empty text, the epoch, the first label.
    """
    name = schema.name or ""
    if name == "io.debezium.data.Enum":
        return schema.parameters.get("allowed", "").split(",")[0]
    if name == "io.debezium.data.Json":
        return "null"
    if name == "io.debezium.time.ZonedTimestamp":
        return "1970-01-01T00:00:00Z"
    if name == "io.debezium.time.IsoDate":
        return "1970-01-01Z"
    if name in ("io.debezium.time.IsoTimestamp", "io.debezium.time.IsoTime"):
        return "1970-01-01T00:00:00Z" if name.endswith("stamp") else "00:00:00Z"
    return _ZEROS.get(schema.type)


_ZEROS: Final[Mapping[Type, Value]] = {
    Type.INT8: 0,
    Type.INT16: 0,
    Type.INT32: 0,
    Type.INT64: 0,
    Type.FLOAT32: 0.0,
    Type.FLOAT64: 0.0,
    Type.BOOLEAN: False,
    Type.STRING: "",
    Type.BYTES: b"",
}


def clock(micros: int, digits: int = 6) -> str:
    """A duration as ``[-]H:MM:SS[.ffffff]``, hours as many as there are, at least two digits."""
    sign = "-" if micros < 0 else ""
    seconds, fraction = divmod(abs(micros), 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{sign}{hour:02d}:{minute:02d}:{second:02d}"
    return f"{text}.{fraction:06d}"[: len(text) + 1 + digits] if digits else text


def plain(value: Decimal) -> str:
    """A decimal in full digits, never with an exponent."""
    return format(value, "f")


def ewkb(value: tuple[int | None, bytes]) -> bytes:
    """A geometry as PostGIS writes it: WKB, and the SRID inside it where there is one."""
    srid, wkb = value
    if not srid:
        return wkb
    order = "little" if wkb[:1] == b"\x01" else "big"
    kind = int.from_bytes(wkb[1:5], order) | 0x20000000  # type: ignore[arg-type]
    head = kind.to_bytes(4, order) + srid.to_bytes(4, order)  # type: ignore[arg-type]
    return wkb[:1] + head + wkb[5:]
