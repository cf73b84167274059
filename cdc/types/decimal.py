"""DECIMAL by ``decimal.handling.mode``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal

from cdc.types.codec import Codec, Field, Op, Wire
from cdc.types.column_type import ColumnType, expect
from cdc.types.options import DecimalHandling, Options
from connect.errors import DataError
from connect.logical import decimal_from_bytes, decimal_schema
from connect.schema import Schema, Type
from schema_history.table import Column

_DEFAULT_PRECISION = 10
_WIDE = Context(prec=100)


def decimal(column: Column, options: Options) -> ColumnType:
    precision = _DEFAULT_PRECISION if column.length is None else column.length
    scale = column.scale or 0
    convert: Callable[[bytes], object] | None = None
    schema = decimal_schema(scale, precision, optional=column.optional)
    if options.decimal is DecimalHandling.DOUBLE:
        schema = Schema(Type.FLOAT64, optional=column.optional)

        def convert(data: bytes) -> float:
            return float(decimal_from_bytes(data, scale))
    elif options.decimal is DecimalHandling.STRING:
        schema = Schema(Type.STRING, optional=column.optional)

        def convert(data: bytes) -> str:
            return f"{decimal_from_bytes(data, scale):f}"

    codec = Codec(Op.DECIMAL, precision, scale, convert=convert)

    def wire(stored: Wire) -> Codec:
        expect(stored, Field.NEWDECIMAL)
        if (stored.a, stored.b) != (precision, scale):
            raise DataError(
                f"it is stored as DECIMAL({stored.a},{stored.b}), where its definition says "
                f"DECIMAL({precision},{scale})"
            )
        return codec

    return ColumnType(schema, codec, wire)


def from_packed(data: bytes, precision: int, scale: int) -> Decimal:
    """The stored form of a DECIMAL, as JSON values hold it (``decimal2bin``).

    Digits in groups of nine to four bytes, odd ones first before the point and last after it; the
    top bit is set for positive numbers, negative ones are inverted.
    """
    negative = not data[0] & 0x80
    plain = bytes((data[0] ^ 0x80, *data[1:]))
    if negative:
        plain = bytes(byte ^ 0xFF for byte in plain)
    unscaled = pos = 0
    groups = [*filter(None, ((precision - scale) % 9,)), *[9] * ((precision - scale) // 9)]
    groups += [*[9] * (scale // 9), *filter(None, (scale % 9,))]
    for digits in groups:
        size = (digits + 1) // 2 if digits < 9 else 4
        if pos + size > len(plain):
            raise DataError("a DECIMAL is cut off")
        unscaled = unscaled * 10**digits + int.from_bytes(plain[pos : pos + size], "big")
        pos += size
    return Decimal(-unscaled if negative else unscaled).scaleb(-scale, _WIDE)
