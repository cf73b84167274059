"""Connect's own logical types: their schemas, and their values as ``datetime`` and ``decimal``.

Follows ``org.apache.kafka.connect.data.{Decimal,Date,Time,Timestamp}``. Rows carry the physical
value (see ``connect.schema``); these functions serve the edges that need the meaning.
"""

from __future__ import annotations

import datetime as dt
from decimal import Context, Decimal, Inexact
from typing import Final

from connect.schema import Schema, Type

DECIMAL: Final = "org.apache.kafka.connect.data.Decimal"
DATE: Final = "org.apache.kafka.connect.data.Date"
TIME: Final = "org.apache.kafka.connect.data.Time"
TIMESTAMP: Final = "org.apache.kafka.connect.data.Timestamp"
SCALE: Final = "scale"
PRECISION: Final = "connect.decimal.precision"

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NAIVE_EPOCH: Final = EPOCH.replace(tzinfo=None)
_EPOCH_DAY: Final = EPOCH.date().toordinal()
# A MySQL DECIMAL has at most 65 digits; what does not fit here raises rather than rounds.
_WIDE: Final = Context(prec=1000, traps=[Inexact])


def decimal_schema(scale: int, precision: int | None = None, *, optional: bool = False) -> Schema:
    parameters = {SCALE: str(scale)}
    if precision is not None:
        parameters[PRECISION] = str(precision)
    return Schema(Type.BYTES, optional=optional, name=DECIMAL, version=1, parameters=parameters)


def date_schema(*, optional: bool = False) -> Schema:
    return Schema(Type.INT32, optional=optional, name=DATE, version=1)


def time_schema(*, optional: bool = False) -> Schema:
    return Schema(Type.INT32, optional=optional, name=TIME, version=1)


def timestamp_schema(*, optional: bool = False) -> Schema:
    return Schema(Type.INT64, optional=optional, name=TIMESTAMP, version=1)


def unscaled_bytes(unscaled: int) -> bytes:
    """The shortest big-endian two's complement form, as Java's ``BigInteger.toByteArray``."""
    magnitude = unscaled if unscaled >= 0 else ~unscaled
    return unscaled.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)


def decimal_to_bytes(value: Decimal, scale: int) -> bytes:
    """Unscaled bytes of ``value`` at ``scale``. ValueError if the scale would lose digits."""
    scaled = value.scaleb(scale, _WIDE)
    unscaled = int(scaled)
    if unscaled != scaled:
        raise ValueError(f"{value} has more digits than scale {scale} holds")
    return unscaled_bytes(unscaled)


def decimal_from_bytes(data: bytes, scale: int) -> Decimal:
    return Decimal(int.from_bytes(data, "big", signed=True)).scaleb(-scale, _WIDE)


def date_from_days(days: int) -> dt.date:
    """Raises OverflowError or ValueError outside years 1 to 9999."""
    return dt.date.fromordinal(days + _EPOCH_DAY)


def days_from_date(value: dt.date) -> int:
    return value.toordinal() - _EPOCH_DAY


def datetime_from_micros(micros: int) -> dt.datetime:
    """Naive UTC. Raises OverflowError outside years 1 to 9999."""
    return _NAIVE_EPOCH + dt.timedelta(microseconds=micros)


def micros_from_datetime(value: dt.datetime) -> int:
    """Microseconds since the epoch; a naive value is taken as UTC."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.UTC)
    return (value - EPOCH) // dt.timedelta(microseconds=1)
