"""What the connector knows about one column: its schema and how its values are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cdc.types.codec import Codec, Field, Op, Wire
from connect.errors import DataError
from connect.schema import Schema, Value


@dataclass(frozen=True)
class ColumnType:
    """One column under one set of options.

    ``schema`` has the column's optionality and default. ``text`` reads a value of a query's text
    result. ``wire`` gives the codec for the column as TABLE_MAP describes it, and raises DataError
    where the stored type cannot be this column's. ``select`` is the expression to select in a
    snapshot, with ``{}`` for the quoted name, so that the text loses nothing.
    """

    schema: Schema
    text: Codec
    wire: Callable[[Wire], Codec]
    select: str = "{}"

    def with_default(self, value: Value) -> ColumnType:
        return replace(self, schema=replace(self.schema, default=value))


def fixed(codec: Codec, *codes: int) -> Callable[[Wire], Codec]:
    """The same codec whatever the metadata; ``codes`` are the stored types it can read."""

    def wire(stored: Wire) -> Codec:
        expect(stored, *codes)
        return codec

    return wire


def prefixed(codec: Codec, *codes: int) -> Callable[[Wire], Codec]:
    """The codec with the size of the stored length as its ``a``."""

    def wire(stored: Wire) -> Codec:
        expect(stored, *codes)
        return codec._replace(a=prefix(stored))

    return wire


def prefix(stored: Wire) -> int:
    """How many bytes of length stand before a value."""
    if stored.code in _BY_MAXIMUM:
        return 1 if stored.a < 256 else 2
    return stored.a


def expect(stored: Wire, *codes: int) -> None:
    if stored.code not in codes:
        raise DataError(
            f"it is stored as type {stored.code}, where its definition wants "
            f"{' or '.join(map(str, codes))}"
        )


_BY_MAXIMUM = (Field.VARCHAR, Field.VAR_STRING, Field.STRING)
"""Those whose metadata is their longest value in bytes."""

_SIZES = {
    Field.TINY: 1,
    Field.SHORT: 2,
    Field.INT24: 3,
    Field.LONG: 4,
    Field.LONGLONG: 8,
    Field.FLOAT: 4,
    Field.DOUBLE: 8,
    Field.YEAR: 1,
    Field.DATE: 3,
    Field.NEWDATE: 3,
    Field.TIME: 3,
    Field.DATETIME: 8,
    Field.TIMESTAMP: 4,
}
_WITH_FRACTION = {Field.TIMESTAMP2: 4, Field.DATETIME2: 5, Field.TIME2: 3}
_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4)


def skipped(stored: Wire) -> Codec:
    """Passes over a column that nobody wants."""
    code = stored.code
    if code in _SIZES:
        return Codec(Op.SKIP_FIXED, _SIZES[code])
    if code in (Field.BIT, Field.ENUM, Field.SET):
        return Codec(Op.SKIP_FIXED, stored.a)
    if code in _WITH_FRACTION:
        return Codec(Op.SKIP_FIXED, _WITH_FRACTION[code] + (stored.a + 1) // 2)
    if code == Field.NEWDECIMAL:
        parts = (stored.a - stored.b, stored.b)
        return Codec(Op.SKIP_FIXED, sum(n // 9 * 4 + _DIGIT_BYTES[n % 9] for n in parts))
    return Codec(Op.SKIP_PREFIXED, prefix(stored))
