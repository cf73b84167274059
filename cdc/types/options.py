"""How values are shown: the handling modes of Debezium's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class TimePrecision(StrEnum):
    """``time.precision.mode``."""

    ADAPTIVE_TIME_MICROSECONDS = "adaptive_time_microseconds"
    CONNECT = "connect"
    ISOSTRING = "isostring"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"


class DecimalHandling(StrEnum):
    """``decimal.handling.mode``."""

    PRECISE = "precise"
    DOUBLE = "double"
    STRING = "string"


class BigintUnsignedHandling(StrEnum):
    """``bigint.unsigned.handling.mode``."""

    LONG = "long"
    PRECISE = "precise"


class BinaryHandling(StrEnum):
    """``binary.handling.mode``."""

    BYTES = "bytes"
    BASE64 = "base64"
    BASE64_URL_SAFE = "base64-url-safe"
    HEX = "hex"


@dataclass(frozen=True, slots=True)
class Options:
    """The modes of one connector; the defaults are Debezium's."""

    time: TimePrecision = TimePrecision.ADAPTIVE_TIME_MICROSECONDS
    decimal: DecimalHandling = DecimalHandling.PRECISE
    bigint_unsigned: BigintUnsignedHandling = BigintUnsignedHandling.LONG
    binary: BinaryHandling = BinaryHandling.BYTES
    adjust_years: bool = True
    """``enable.time.adjuster``: years 0 to 99 are read as 2000 to 2069 and 1970 to 1999."""
