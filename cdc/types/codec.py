"""The instructions that drive the two row loops, made once per table version.

A codec says how one column's bytes become a Connect value, either from a row of the binlog
(``cdc.binlog.rows_cy``) or from a row of a query's text result (``cdc.snapshot.text_rows_cy``).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Final, NamedTuple


class Op(IntEnum):
    """What a loop does with a column; ``a``, ``b`` and ``table`` are the codec's operands.

    Bytes of the binlog / of the text protocol are meant by "n bytes"; in the text protocol every
    value has its own length, so operands that only give a width are not looked at there.
    """

    INT = 1
    """Whole number of a bytes, unsigned if b. Text: wraps to int64 if not b."""
    UTF8 = 2
    """Text, length prefix of a bytes."""
    DATETIME = 3
    """a fraction digits; b is the unit: 0 ms, 1 µs, 2 ns; ``table`` stands for a zero date."""
    DECIMAL = 4
    """Precision a, scale b; becomes the bytes of the unscaled value."""
    TIMESTAMP = 5
    """a fraction digits; becomes ISO text in UTC; ``table`` stands for the zero timestamp."""
    DOUBLE = 6
    FLOAT = 7
    DATE = 8
    """Days since the epoch; ``table`` stands for a zero date."""
    LABEL = 9
    """Number of a bytes looked up in ``table``, a tuple."""
    BYTES = 10
    """Bytes, length prefix of a bytes, padded with zero bytes to b."""
    TEXT = 11
    """As UTF8, decoded by ``table``, a callable."""
    TIME = 12
    """a fraction digits; microseconds, signed."""
    SET = 13
    """Bits of a bytes; ``table`` is a tuple of labels."""
    BITS = 14
    """a bytes in reversed order."""
    FIXED = 15
    """a bytes as they are."""
    SKIP_FIXED = 16
    """a bytes that nobody wants; gives no value."""
    SKIP_PREFIXED = 17
    """Length prefix of a bytes and what follows; gives no value."""


class Field:
    """Codes of stored types (``enum_field_types``)."""

    DECIMAL: Final = 0
    TINY: Final = 1
    SHORT: Final = 2
    LONG: Final = 3
    FLOAT: Final = 4
    DOUBLE: Final = 5
    NULL: Final = 6
    TIMESTAMP: Final = 7
    LONGLONG: Final = 8
    INT24: Final = 9
    DATE: Final = 10
    TIME: Final = 11
    DATETIME: Final = 12
    YEAR: Final = 13
    NEWDATE: Final = 14
    VARCHAR: Final = 15
    BIT: Final = 16
    TIMESTAMP2: Final = 17
    DATETIME2: Final = 18
    TIME2: Final = 19
    TYPED_ARRAY: Final = 20
    BLOB_COMPRESSED: Final = 140
    VARCHAR_COMPRESSED: Final = 141
    VECTOR: Final = 242
    JSON: Final = 245
    NEWDECIMAL: Final = 246
    ENUM: Final = 247
    SET: Final = 248
    TINY_BLOB: Final = 249
    MEDIUM_BLOB: Final = 250
    LONG_BLOB: Final = 251
    BLOB: Final = 252
    VAR_STRING: Final = 253
    STRING: Final = 254
    GEOMETRY: Final = 255


class Codec(NamedTuple):
    """One column's instruction. ``convert`` is applied to what ``op`` gives, if that is not
    ``table``'s stand-in."""

    op: Op
    a: int = 0
    b: int = 0
    table: Any = None
    convert: Callable[[Any], Any] | None = None
    adjust: bool = False
    """Read years below 100 as 1970 to 2069."""


class Wire(NamedTuple):
    """A column's type as TABLE_MAP gives it. ``code`` is the real type (ENUM, not STRING);
    ``a`` and ``b`` its metadata: length in bytes, prefix size, precision and scale, fraction
    digits; see ``cdc.binlog.table_map``."""

    code: int
    a: int = 0
    b: int = 0
